// SPDX-License-Identifier: Apache-2.0
#include "state/overlay_note.hpp"
#include "unit/scratch_project.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

class OverlayNote : public ScratchProject {
protected:
    bool ours(const std::string& path) { return is_our_overlay(layout, "web", path).value(); }

    const std::string overlay = dir / "mine.qcow2";
};

TEST_F(OverlayNote, IsNotNeededForTheVmsOwn) {
    EXPECT_TRUE(ours(layout.vm_dir("web") / "overlay.qcow2"));
    EXPECT_FALSE(ours(layout.vm_dir("other") / "overlay.qcow2"));
}

TEST_F(OverlayNote, MakesAFileElsewhereOursAndNoOther) {
    std::ofstream(overlay) << "disk";
    std::ofstream(dir / "precious") << "yours";
    EXPECT_FALSE(ours(overlay)) << "nothing was promised";
    ASSERT_TRUE(promise_overlay(layout, "web", overlay));
    EXPECT_TRUE(ours(overlay));
    EXPECT_FALSE(ours(dir / "precious"));
    ASSERT_TRUE(confirm_overlay(layout, "web", overlay));
    EXPECT_TRUE(ours(overlay));
}

TEST_F(OverlayNote, DoesNotCoverAFileThatTookItsPlace) {
    std::ofstream(overlay) << "disk";
    ASSERT_TRUE(confirm_overlay(layout, "web", overlay));
    std::ofstream(dir / "another") << "yours";
    fs::rename(dir / "another", overlay);
    EXPECT_FALSE(ours(overlay));
    fs::remove(overlay);
    fs::create_symlink("/etc/passwd", overlay);
    EXPECT_FALSE(ours(overlay));
}

TEST_F(OverlayNote, SaysThatItCannotTellRatherThanNo) {
    std::ofstream(overlay) << "disk";
    ASSERT_TRUE(promise_overlay(layout, "web", overlay));
    fs::remove(overlay_note(layout, "web"));
    EXPECT_FALSE(ours(overlay));
    fs::create_directory(overlay_note(layout, "web")); // stands for a disk that cannot be read just now
    EXPECT_FALSE(is_our_overlay(layout, "web", overlay).has_value());
}

TEST_F(OverlayNote, ProvesNothingWhenItIsDamaged) {
    std::ofstream(overlay) << "disk";
    ASSERT_TRUE(confirm_overlay(layout, "web", overlay));
    std::ofstream(overlay_note(layout, "web")) << "{";
    EXPECT_FALSE(ours(overlay));
}

} // namespace
} // namespace castra
