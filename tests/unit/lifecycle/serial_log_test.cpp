// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/serial_log.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

class SerialLogTest : public testing::Test {
protected:
    SerialLogTest() : path(std::filesystem::temp_directory_path() / ("castra-serial-" + std::to_string(::getpid()))) {
        clean();
    }
    ~SerialLogTest() override { clean(); }
    void clean() const {
        std::filesystem::remove(path);
        std::filesystem::remove(path.string() + ".1");
    }
    std::filesystem::path path;
    asio::io_context loop;
};

TEST_F(SerialLogTest, SeesTheMarkerAtTheBeginningOfALineHoweverItIsCut) {
    for (const auto* text : {"boot\r\nREADY {}\r\n", "READY\n"}) {
        SerialLog log(loop.get_executor(), path, "READY");
        for (const char* c = text; *c; ++c) {
            EXPECT_FALSE(log.marker_seen().is_open());
            log.take(std::string_view(c, 1));
        }
        EXPECT_TRUE(log.marker_seen().is_open()) << text;
    }
}

TEST_F(SerialLogTest, BelievesNoMarkerElsewhere) {
    SerialLog log(loop.get_executor(), path, "READY");
    log.take("not READY\n READY\nREADY without an end");
    EXPECT_FALSE(log.marker_seen().is_open());
}

TEST_F(SerialLogTest, StaysBoundedUnderAFlood) {
    SerialLog log(loop.get_executor(), path, "READY");
    const std::string chunk(1 << 16, 'x'); // and never a line feed
    for (int i = 0; i < 400; ++i)
        log.take(chunk);
    EXPECT_LE(std::filesystem::file_size(path), SerialLog::file_bytes_max);
    EXPECT_LE(std::filesystem::file_size(path.string() + ".1"), SerialLog::file_bytes_max);
    EXPECT_LE(log.tail().size(), 2 * SerialLog::tail_bytes_max);
    log.take("\nREADY\n");
    EXPECT_TRUE(log.marker_seen().is_open());
}

} // namespace
} // namespace castra
