// SPDX-License-Identifier: Apache-2.0
#include "operations/image_format.hpp"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace castra {
namespace {

using namespace std::string_literals;

class ImageFormat : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-format.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
    }
    void TearDown() override { std::filesystem::remove_all(dir); }

    // The format, or the refusal; `bytes` at `offset` in a file of `size` bytes.
    std::string told(const std::string& bytes, std::size_t offset, std::size_t size) {
        std::string content(size, '\0');
        if (offset + bytes.size() <= size) content.replace(offset, bytes.size(), bytes);
        std::ofstream(dir / "image", std::ios::binary) << content;
        const auto format = format_of_image(dir / "image");
        if (format) return *format;
        EXPECT_FALSE(format.error().hint.empty()) << format.error().text;
        return format.error().text;
    }
    std::filesystem::path dir;
};

TEST_F(ImageFormat, KnowsQcow2AndWhatLiesInRawDisks) {
    EXPECT_EQ(told("QFI\xfb\0\0\0\3"s, 0, 4096), "qcow2");
    EXPECT_EQ(told("QFI\xfb\0\0\0\2"s, 0, 72), "qcow2");
    EXPECT_EQ(told("\x55\xaa", 510, 4096), "raw");
    EXPECT_EQ(told("\x53\xef", 1080, 4096), "raw");
    EXPECT_EQ(told("_BHRfS_M", 0x10040, 0x20000), "raw");
    EXPECT_EQ(told("", 0, 1024), "raw") << "a blank disk";
}

TEST_F(ImageFormat, RefusesWhatIsNoDiskWithItsReason) {
    EXPECT_NE(told("", 0, 0).find("is empty"), std::string::npos);
    EXPECT_NE(told("[project]", 0, 9).find("no whole sectors"), std::string::npos);
    EXPECT_NE(told("#!/bin/sh", 0, 1024).find("no content that a disk has"), std::string::npos);
    EXPECT_NE(told("\x1f\x8b", 0, 1024).find("packed with gzip"), std::string::npos);
    EXPECT_NE(told("\xfd"
                   "7zXZ",
                   0, 1024)
                  .find("packed with xz"),
              std::string::npos);
    EXPECT_NE(told("KDMV", 0, 1024).find("VMDK"), std::string::npos);
    EXPECT_NE(told("\x7f\x10\xda\xbe", 0x40, 1024).find("VDI"), std::string::npos);
    EXPECT_NE(told("QFI\xfb\0\0\0\7"s, 0, 4096).find("version"), std::string::npos);
    EXPECT_NE(told("QFI\xfb\0\0\0\3"s, 0, 30).find("cut off"), std::string::npos);
}

TEST_F(ImageFormat, SaysThatAMissingFileIsMissing) {
    const auto format = format_of_image(dir / "nosuch");
    ASSERT_FALSE(format);
    EXPECT_EQ(format.error().code, ErrorCode::not_found);
    EXPECT_FALSE(format_of_image(dir));
}

} // namespace
} // namespace castra
