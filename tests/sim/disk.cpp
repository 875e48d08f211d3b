// SPDX-License-Identifier: Apache-2.0
#include "disk.hpp"

#include <cerrno>

namespace castra::sim {
namespace {

// Calls back with each part of a path; false ends it.
template <class F>
bool walk(std::string_view path, F each) {
    while (!path.empty()) {
        while (path.starts_with('/'))
            path.remove_prefix(1);
        const auto part = path.substr(0, path.find('/'));
        path.remove_prefix(part.size());
        if (part.empty() || part == ".") continue;
        if (!each(part)) return false;
    }
    return true;
}

} // namespace

Disk::Disk() : root_(std::make_shared<Node>()) {
    root_->kind = Node::Kind::directory;
    root_->number = 1;
    auto top = std::make_shared<Node>();
    top->kind = Node::Kind::directory;
    top->number = 2;
    root_->entries["sim"] = top;
}

NodePtr Disk::find(std::string_view path) const {
    auto at = root_;
    const bool found = walk(path, [&](std::string_view part) {
        if (at->kind != Node::Kind::directory) return false;
        const auto entry = at->entries.find(std::string(part));
        if (entry == at->entries.end()) return false;
        at = entry->second;
        return true;
    });
    return found ? at : nullptr;
}

NodePtr Disk::parent_of(std::string_view path, std::string& name) const {
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    const auto slash = path.rfind('/');
    name = path.substr(slash + 1);
    auto parent = find(path.substr(0, slash));
    return parent && parent->kind == Node::Kind::directory && parent->links > 0 ? parent : nullptr;
}

void Disk::changed(std::function<void()> undo) {
    if (remembers) undo_.push_back(std::move(undo));
}

int Disk::make(std::string_view path, Node::Kind kind, NodePtr& made) {
    std::string name;
    const auto parent = parent_of(path, name);
    if (!parent) return ENOENT;
    if (parent->entries.contains(name)) return EEXIST;
    made = std::make_shared<Node>();
    made->kind = kind;
    made->number = ++last_number_;
    made->changed_us = now_us ? *now_us : 0;
    parent->entries[name] = made;
    changed([parent, name] { parent->entries.erase(name); });
    return 0;
}

int Disk::remove(std::string_view path, bool is_directory) {
    std::string name;
    const auto parent = parent_of(path, name);
    if (!parent) return ENOENT;
    const auto found = parent->entries.find(name);
    if (found == parent->entries.end()) return ENOENT;
    const auto node = found->second;
    const bool was_directory = node->kind == Node::Kind::directory;
    if (is_directory && !was_directory) return ENOTDIR;
    if (!is_directory && was_directory) return EISDIR;
    if (was_directory && !node->entries.empty()) return ENOTEMPTY;
    node->links = 0;
    parent->entries.erase(found);
    changed([parent, name, node] {
        node->links = 1;
        parent->entries[name] = node;
    });
    return 0;
}

int Disk::rename(std::string_view from, std::string_view to) {
    std::string name;
    std::string new_name;
    const auto parent = parent_of(from, name);
    const auto new_parent = parent_of(to, new_name);
    if (!parent || !new_parent || !parent->entries.contains(name)) return ENOENT;
    const auto node = parent->entries[name];
    NodePtr replaced;
    if (const auto there = new_parent->entries.find(new_name); there != new_parent->entries.end()) {
        replaced = there->second;
        if (replaced == node) return 0;
        if (replaced->kind == Node::Kind::directory) return EISDIR;
        replaced->links = 0;
    }
    node->synced = node->bytes.size(); // as ext4 does before it lets a file take another's place
    parent->entries.erase(name);
    new_parent->entries[new_name] = node;
    changed([parent, new_parent, name, new_name, node, replaced] {
        if (replaced) {
            replaced->links = 1;
            new_parent->entries[new_name] = replaced;
        } else {
            new_parent->entries.erase(new_name);
        }
        parent->entries[name] = node;
    });
    return 0;
}

void Disk::write(Node& node, std::size_t offset, std::string_view bytes) {
    if (node.bytes.size() < offset + bytes.size()) node.bytes.resize(offset + bytes.size());
    node.bytes.replace(offset, bytes.size(), bytes);
    node.changed_us = now_us ? *now_us : 0;
}

void Disk::cut(Node& node, std::size_t size) {
    node.bytes.resize(size);
    node.synced = std::min(node.synced, size);
}

void Disk::sync(Node& node) {
    node.synced = node.bytes.size();
    undo_.clear();
}

void Disk::lose_power(Random& random) {
    auto lost = random.below(static_cast<std::int64_t>(undo_.size()) + 1);
    for (; lost > 0; --lost) {
        undo_.back()();
        undo_.pop_back();
    }
    undo_.clear();
    for (const auto& path : list("/sim")) {
        const auto node = find(path);
        if (node->kind != Node::Kind::file) continue;
        const auto tail = static_cast<std::int64_t>(node->bytes.size() - node->synced);
        node->bytes.resize(node->synced + static_cast<std::size_t>(random.percent(50) ? tail : random.below(tail + 1)));
        node->synced = node->bytes.size();
    }
}

std::vector<std::string> Disk::list(std::string_view path) const {
    std::vector<std::string> found;
    std::function<void(const Node&, const std::string&)> below = [&](const Node& node, const std::string& at) {
        for (const auto& [name, entry] : node.entries) {
            const auto full = at + "/" + name;
            found.push_back(full);
            if (entry->kind == Node::Kind::directory) below(*entry, full);
        }
    };
    if (const auto node = find(path)) below(*node, std::string(path));
    return found;
}

void Disk::put(std::string_view path, std::string_view bytes) {
    NodePtr made;
    for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos; slash = path.find('/', slash + 1))
        (void)make(path.substr(0, slash), Node::Kind::directory, made);
    auto node = find(path);
    if (!node) {
        (void)make(path, Node::Kind::file, made);
        node = made;
    }
    node->bytes = bytes;
    sync(*node);
}

} // namespace castra::sim
