// SPDX-License-Identifier: Apache-2.0
// A file system in memory, below /sim: what the system calls of a simulated process see. Keeps apart what is written
// and what would survive the loss of power: an fsync makes a file's bytes last, and every change of a directory before
// it (as ext4 does). No symbolic links. Answers are errno values; 0: done.
#pragma once
#include "random.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace castra::sim {

struct OpenFile;
struct Node;
using NodePtr = std::shared_ptr<Node>;

struct Node {
    enum class Kind { file, directory, socket };
    Kind kind = Kind::file;
    unsigned long number = 0; // as st_ino
    unsigned links = 1;       // 0: removed, and open at most
    std::string bytes;
    std::size_t synced = 0; // so many of them survive the loss of power
    std::map<std::string, NodePtr> entries;
    std::int64_t changed_us = 0;
    // Advisory locks and the listener of a socket: whose open file ends, ends them.
    std::weak_ptr<OpenFile> exclusive, listener;
    std::vector<std::weak_ptr<OpenFile>> shared;
};

class Disk {
public:
    Disk();
    static bool has(std::string_view path) { return path == "/sim" || path.starts_with("/sim/"); }

    NodePtr find(std::string_view path) const; // null: none
    int make(std::string_view path, Node::Kind kind, NodePtr& made);
    int remove(std::string_view path, bool is_directory); // a directory must be empty
    int rename(std::string_view from, std::string_view to);
    void write(Node& node, std::size_t offset, std::string_view bytes);
    void cut(Node& node, std::size_t size);
    void sync(Node& node);

    // Everything that was not synced may be gone: of directories the youngest changes, of files the tail.
    void lose_power(Random& random);
    // Every path below `path`, `path` not included.
    std::vector<std::string> list(std::string_view path) const;
    void put(std::string_view path, std::string_view bytes); // with the directories above it, durable

    bool remembers = false; // what lose_power() must take back
    const std::int64_t* now_us = nullptr;

private:
    NodePtr parent_of(std::string_view path, std::string& name) const;
    void changed(std::function<void()> undo);

    NodePtr root_;
    unsigned long last_number_ = 2;
    std::vector<std::function<void()>> undo_; // of directory changes since the last sync
    std::vector<std::weak_ptr<Node>> dirty_;
};

} // namespace castra::sim
