// SPDX-License-Identifier: Apache-2.0
#include "state/overlay_note.hpp"

#include "host/files.hpp"

#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace castra {
namespace {

constexpr std::size_t note_bytes_max = 65536;

struct Note {
    std::string overlay;
    std::uint64_t device = 0, inode = 0; // 0: promised, not yet confirmed
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Note, overlay, device, inode)

Result<> save(const Layout& layout, const std::string& vm, const Note& note) {
    return files::replace(overlay_note(layout, vm), nlohmann::json(note).dump(1) + "\n", true);
}

} // namespace

std::filesystem::path overlay_note(const Layout& layout, const std::string& vm) {
    return layout.vm_dir(vm) / "overlay.json";
}

Result<> promise_overlay(const Layout& layout, const std::string& vm, const std::string& overlay) {
    return save(layout, vm, {overlay, 0, 0});
}

Result<> confirm_overlay(const Layout& layout, const std::string& vm, const std::string& overlay) {
    struct stat info {};
    if (::lstat(overlay.c_str(), &info) != 0) return fail_errno("look at overlay " + overlay);
    return save(layout, vm, {overlay, info.st_dev, info.st_ino});
}

Result<bool> is_our_overlay(const Layout& layout, const std::string& vm, const std::string& overlay) {
    if (overlay == layout.vm_dir(vm) / "overlay.qcow2") return true;
    CASTRA_TRY(noted, noted_overlay(layout, vm));
    return noted == overlay;
}

Result<std::string> noted_overlay(const Layout& layout, const std::string& vm) {
    const auto text = files::read(overlay_note(layout, vm), note_bytes_max);
    if (!text && text.error().code != ErrorCode::not_found) return Failure(text.error());
    if (!text) return std::string();
    Note note;
    try {
        note = nlohmann::json::parse(*text).get<Note>();
    } catch (const nlohmann::json::exception&) {
        return std::string();
    }
    struct stat info {};
    if (::lstat(note.overlay.c_str(), &info) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) return fail_errno("look at overlay " + note.overlay);
        return std::string();
    }
    const bool is_it = note.inode == 0 || (note.inode == info.st_ino && note.device == info.st_dev);
    return S_ISREG(info.st_mode) && is_it ? note.overlay : std::string();
}

} // namespace castra
