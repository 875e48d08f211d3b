// SPDX-License-Identifier: Apache-2.0
#include "parsing.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

const std::string digest(64, 'a');

std::string vm(const std::string& lines) {
    return "[project]\nname = \"p\"\n[[vms]]\nname = \"a\"\n" + lines;
}

TEST(BaseImage, IsAPathOrAnAddress) {
    const auto file = parsed(vm("base_image = \"x.qcow2\"")).vms[0];
    EXPECT_EQ(file.base_image, "/p/x.qcow2");
    EXPECT_EQ(file.base_url, "");
    const auto fetched = parsed(vm("base_image = \"https://example.org/x\"\nsha256 = \"" + digest + "\"")).vms[0];
    EXPECT_EQ(fetched.base_image, "");
    EXPECT_EQ(fetched.base_url, "https://example.org/x");
    EXPECT_EQ(fetched.base_sha256, digest);
}

TEST(BaseImage, OfAnInstanceHasADigestOfItsOwn) {
    const auto vms =
        parsed(vm("count = 3\nbase_image = \"x\"\nsha256 = \"" + digest +
                  "\"\n[[vms.instances]]\nid = 1\nbase_image = \"y\"\n[[vms.instances]]\nid = 2\nimage = \"tiny\""))
            .vms;
    EXPECT_EQ(vms[0].base_sha256, digest);
    EXPECT_EQ(vms[1].base_image, "/p/y");
    EXPECT_EQ(vms[1].base_sha256, "");
    EXPECT_EQ(vms[2].base_image, "");
    EXPECT_EQ(vms[2].base_sha256, "");
}

TEST(BaseImage, IsRefusedWithTheCure) {
    const std::string sha = "\nsha256 = \"" + digest + "\"";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"base_image = \"https://example.org/x\"", "sha256"},
        {"base_image = \"ftp://example.org/x\"" + sha, "no address that castra fetches from"},
        {"base_image = \"file:///etc/passwd\"" + sha, "no address that castra fetches from"},
        {"base_image = \"https:///x\"" + sha, "names no server"},
        {"base_image = \"https://me:secret@example.org/x\"" + sha, "password"},
        {"base_image = \"x\"\nsha256 = \"AB\"", "is no SHA-256 digest"},
        {"image = \"tiny\"" + sha, "there is none"},
        {"base_image = \"\"", "base_image"},
    };
    for (const auto& [lines, complaint] : cases) {
        const auto errors = refused(vm(lines));
        ASSERT_EQ(errors.size(), 1U) << lines;
        EXPECT_NE(errors[0].find(complaint), std::string::npos) << errors[0];
    }
}

} // namespace
} // namespace castra
