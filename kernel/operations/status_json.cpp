// SPDX-License-Identifier: Apache-2.0
#include "operations/status_json.hpp"

#include "base/in_threads.hpp"

#include <algorithm>

namespace castra {
namespace {

using Pieces = std::vector<std::string>;

constexpr std::size_t vms_per_piece = 16;

// Where a line begins, `depth` levels into the document; nothing on one line.
std::string line_start(int indent, int depth) {
    return indent < 0 ? "" : "\n" + std::string(static_cast<std::size_t>(indent * depth), ' ');
}

// `json` as it stands `depth` levels into a document. No text in it holds a newline: JSON escapes them.
std::string text_at(const nlohmann::ordered_json& json, int indent, int depth) {
    const auto text = json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    const auto start = line_start(indent, depth);
    std::string out;
    out.reserve(text.size() * 5 / 4);
    for (std::size_t from = 0; from < text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        out.append(text, from, end - from);
        if (end < text.size()) out += start;
        from = end + 1;
    }
    return out;
}

// "vms" comes last and empty: see add_project.
nlohmann::ordered_json without_vms(const ProjectStatus& status) {
    nlohmann::ordered_json json{{"project", status.project},
                                {"config_path", status.config_path},
                                {"state_dir", status.state_dir},
                                {"supervised", status.supervised},
                                {"broker", to_json(status.broker)}};
    if (!status.problem.empty()) json["problem"] = status.problem;
    json["vms"] = nlohmann::ordered_json::array();
    return json;
}

void add_project(const ProjectStatus& status, int indent, int depth, Pieces& pieces) {
    auto head = text_at(without_vms(status), indent, depth);
    if (status.vms.empty()) return pieces.push_back(std::move(head));
    const auto closing = line_start(indent, depth) + "}";
    head.resize(head.size() - closing.size() - 1); // the "]" of no VMs too
    pieces.push_back(std::move(head));
    const auto first = pieces.size();
    pieces.resize(first + (status.vms.size() + vms_per_piece - 1) / vms_per_piece);
    const auto start = line_start(indent, depth + 2);
    in_threads(pieces.size() - first, 4, [&](std::size_t piece) {
        const auto from = piece * vms_per_piece;
        for (auto i = from; i < std::min(from + vms_per_piece, status.vms.size()); ++i)
            pieces[first + piece] += (i == 0 ? "" : ",") + start + text_at(to_json(status.vms[i]), indent, depth + 2);
    });
    pieces.push_back(line_start(indent, depth + 1) + "]" + closing);
}

} // namespace

Pieces json_text(const ProjectStatus& status, int indent) {
    Pieces pieces;
    add_project(status, indent, 0, pieces);
    return pieces;
}

Pieces json_text(const std::vector<ProjectStatus>& projects, int indent) {
    const std::string colon = indent < 0 ? ":" : ": ";
    Pieces pieces{"{" + line_start(indent, 1) + "\"projects\"" + colon + "["};
    for (const auto& project : projects) {
        pieces.push_back((&project == projects.data() ? "" : ",") + line_start(indent, 2));
        add_project(project, indent, 2, pieces);
    }
    pieces.push_back((projects.empty() ? "" : line_start(indent, 1)) + "]" + line_start(indent, 0) + "}");
    return pieces;
}

} // namespace castra
