// SPDX-License-Identifier: Apache-2.0
#include "contract/snapshot_diff.hpp"

#include <algorithm>

namespace castra::contract {
namespace {

struct Version {
    int major = 0, minor = 0;
    explicit Version(const std::string& text)
        : major(std::stoi(text)), minor(std::stoi(text.substr(text.find('.') + 1))) {}
    Version(int of_major, int of_minor) : major(of_major), minor(of_minor) {}
    auto operator<=>(const Version&) const = default;
    std::string text() const { return std::to_string(major) + "." + std::to_string(minor); }
};

Bump bump_of(const Difference& difference, bool is_decided) {
    const auto bump = entry_of(difference.row).bump;
    return bump == Bump::blocked && is_decided ? Bump::minor : bump;
}

Version least_after(const Version& old, Bump bump) {
    if (bump == Bump::none) return old;
    return bump == Bump::minor ? Version(old.major, old.minor + 1) : Version(old.major + 1, 0);
}

std::vector<std::string> new_decisions(const Json& from, const Json& to) {
    std::vector<std::string> records;
    const auto known = from.value("security_decisions", Json::array());
    for (const auto& record : to.value("security_decisions", Json::array()))
        if (record.is_string() && std::ranges::find(known, record) == known.end()) records.push_back(record);
    return records;
}

std::string padded(std::string_view text, std::size_t width) {
    std::string out(text);
    out.resize(std::max(width, out.size()), ' ');
    return out;
}

} // namespace

SnapshotDiff diff_snapshots(const Json& from, const Json& to) {
    SnapshotDiff diff;
    diff.old_version = from["contract"];
    diff.new_version = to["contract"];
    auto compared = compare_snapshots(from, to);
    diff.differences = std::move(compared.differences);
    diff.mistakes = std::move(compared.mistakes);
    diff.decisions = new_decisions(from, to);
    std::ranges::stable_sort(diff.differences, std::greater(),
                             [](const Difference& one) { return entry_of(one.row).bump; });
    for (const auto& one : diff.differences)
        diff.bump = std::max(diff.bump, bump_of(one, !diff.decisions.empty()));
    const Version old(diff.old_version), now(diff.new_version);
    if (now < old) diff.mistakes.push_back("contract " + now.text() + " comes after " + old.text());
    if (diff.bump == Bump::blocked) return diff;
    const auto least = least_after(old, diff.bump);
    diff.least_version = least.text();
    diff.is_satisfied = now >= least && diff.mistakes.empty();
    return diff;
}

Json to_json(const SnapshotDiff& diff) {
    auto differences = Json::array();
    for (const auto& one : diff.differences)
        differences.push_back({{"row", entry_of(one.row).name},
                               {"bump", to_string(bump_of(one, !diff.decisions.empty()))},
                               {"where", one.where},
                               {"text", one.text}});
    Json made{{"old", diff.old_version},
              {"new", diff.new_version},
              {"bump", to_string(diff.bump)},
              {"ok", diff.is_satisfied},
              {"differences", std::move(differences)},
              {"mistakes", diff.mistakes},
              {"security_decisions", diff.decisions}};
    if (!diff.least_version.empty()) made["least_version"] = diff.least_version;
    return made;
}

std::string to_text(const SnapshotDiff& diff) {
    std::string text;
    for (const auto& one : diff.differences)
        text += padded(to_string(bump_of(one, !diff.decisions.empty())), 8) + padded(entry_of(one.row).name, 21) +
                one.where + ": " + one.text + "\n";
    for (const auto& mistake : diff.mistakes)
        text += padded("mistake", 29) + mistake + "\n";
    text += "contract " + diff.old_version + " -> " + diff.new_version + ": ";
    if (diff.differences.empty())
        text += "no differences";
    else
        text += "least bump " + std::string(to_string(diff.bump));
    if (diff.bump == Bump::blocked)
        text +=
            "; something that was masked is shown, which needs a security decision record (docs/CONTRACT_CHANGES.md)";
    else if (diff.is_satisfied)
        text += "; " + diff.new_version + " satisfies it";
    else if (diff.mistakes.empty())
        text += "; it needs " + diff.least_version + " or later (contract_version in kernel/contract/envelope.hpp)";
    else
        text += "; the mistakes come first";
    return text + "\n";
}

} // namespace castra::contract
