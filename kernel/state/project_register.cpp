// SPDX-License-Identifier: Apache-2.0
#include "state/project_register.hpp"

#include "host/directory.hpp"
#include "host/files.hpp"
#include "state/vm_record.hpp"

#include <nlohmann/json.hpp>

namespace castra {
namespace {

constexpr std::size_t card_bytes_max = 65536;
constexpr std::size_t id_letters = 12;

struct Card {
    std::string config_path, state_dir;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Card, config_path, state_dir)

std::filesystem::path card_in(const std::filesystem::path& folder) {
    return folder / "project.json";
}

Result<Card> load_card(const std::filesystem::path& folder) {
    CASTRA_TRY(text, files::read(card_in(folder), card_bytes_max));
    try {
        return nlohmann::json::parse(text).get<Card>();
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorCode::io, card_in(folder).string() + " is damaged: " + error.what());
    }
}

RegisteredProject entry_of(const Environment& environment, const std::filesystem::path& folder) {
    RegisteredProject entry;
    const auto name = folder.filename().string();
    entry.id = name.size() > id_letters ? name.substr(name.size() - id_letters) : name;
    entry.state_dir = folder;
    const auto card = load_card(folder);
    if (!card) {
        entry.problem = card.error().text;
        return entry;
    }
    if (Layout(environment, card->config_path, "").state_dir() != folder) {
        entry.problem = card_in(folder).string() + " names another project";
        return entry;
    }
    entry.config_path = card->config_path;
    if (card->state_dir == folder) return entry;
    const auto answer = load_card(card->state_dir);
    std::error_code error;
    if (answer && answer->config_path == card->config_path && answer->state_dir == card->state_dir)
        entry.state_dir = std::filesystem::weakly_canonical(card->state_dir, error); // older ones name links, too
    else
        entry.problem = card->state_dir + " does not say that it belongs to " + card->config_path;
    return entry;
}

} // namespace

Layout RegisteredProject::layout(const Environment& environment) const {
    return Layout::of_known(environment, id, state_dir);
}

Result<> owns_state(const Environment& environment, const Layout& layout, const std::string& config_path) {
    const auto card = load_card(layout.state_dir());
    if (!card || card->config_path == config_path || !files::exists(card->config_path)) return {};
    const auto owner = find_registered(environment, card->config_path);
    if (!owner || owner->state_dir != layout.state_dir()) return {};
    return fail(ErrorCode::config_invalid,
                "state_dir " + layout.state_dir().string() + " belongs to the project of " + card->config_path,
                "give each project a state_dir of its own, or none");
}

Result<> left_no_vms(const Environment& environment, const Layout& layout, const std::string& config_path) {
    const auto known = find_registered(environment, config_path);
    if (!known || !known->problem.empty() || known->state_dir == layout.state_dir()) return {};
    const auto vms = recorded_vms(known->layout(environment));
    if (vms && vms->empty()) return {};
    return fail(ErrorCode::config_invalid,
                "state_dir is " + layout.state_dir().string() + " now, and VMs of this file are recorded in " +
                    known->state_dir.string(),
                "castra down takes those down and the new place is used from then on; or set state_dir back");
}

Result<> register_project(const Environment& environment, const Layout& layout, const std::string& config_path) {
    const auto text = nlohmann::json(Card{config_path, layout.state_dir()}).dump(1) + "\n";
    const auto usual = Layout(environment, config_path, "").state_dir();
    for (const auto& folder : {usual, layout.state_dir()}) {
        if (files::read(card_in(folder), card_bytes_max).value_or("") == text) continue;
        CASTRA_CHECK(files::make_directories(folder));
        CASTRA_CHECK(files::replace(card_in(folder), text, false));
    }
    return {};
}

Result<std::vector<RegisteredProject>> registered_projects(const Environment& environment) {
    std::vector<RegisteredProject> found;
    const auto projects = Directory::open(projects_dir(environment));
    if (!projects && projects.error().code == ErrorCode::not_found) return found;
    if (!projects)
        return fail(projects.error().code, projects.error().text,
                    "see to it that the directory can be read, or ask as the user whose it is");
    CASTRA_TRY(entries, projects->entries());
    for (const auto& entry : entries)
        if (entry.kind == Directory::Entry::Kind::directory)
            found.push_back(entry_of(environment, projects->path() / entry.name));
    return found;
}

std::optional<RegisteredProject> find_registered(const Environment& environment, const std::string& config_path) {
    const auto folder = Layout(environment, config_path, "").state_dir();
    if (!files::exists(card_in(folder))) return std::nullopt;
    return entry_of(environment, folder);
}

} // namespace castra
