// SPDX-License-Identifier: Apache-2.0
#include "broker/frame.hpp"

#include <gtest/gtest.h>
#include <random>

namespace castra::broker {
namespace {

std::string framed(std::string_view body) {
    std::string out;
    append_frame(out, body);
    return out;
}

std::vector<std::string> fed(FrameReader& reader, std::string_view bytes, bool& is_good) {
    std::vector<std::string> bodies;
    is_good = reader
                  .feed(bytes,
                        [&](std::string_view body) {
                            bodies.emplace_back(body);
                            return true;
                        })
                  .has_value();
    return bodies;
}

TEST(FrameReader, GivesTheSameFramesHoweverTheBytesArrive) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> sent;
        std::string stream = "left over from before castra-syn castra-sync N0NC\ncastra-sync N0NCE\n";
        for (int i = 0; i < 8; ++i) {
            sent.push_back(std::string(random() % 300, static_cast<char>('a' + i)));
            stream += framed(sent.back());
        }
        FrameReader reader("castra-sync N0NCE");
        std::vector<std::string> got;
        for (std::size_t at = 0; at < stream.size();) {
            const auto size = std::min<std::size_t>(1 + random() % 97, stream.size() - at);
            bool is_good = false;
            for (auto& body : fed(reader, std::string_view(stream).substr(at, size), is_good))
                got.push_back(std::move(body));
            ASSERT_TRUE(is_good);
            at += size;
        }
        ASSERT_EQ(got, sent);
        ASSERT_EQ(reader.pending_bytes(), 0U);
    }
}

TEST(FrameReader, TakesTheLongestFrameAndRefusesOneByteMore) {
    bool is_good = false;
    FrameReader reader;
    const std::string longest(limits::frame_bytes_max, 'x');
    EXPECT_EQ(fed(reader, framed(longest), is_good), std::vector<std::string>{longest});
    EXPECT_TRUE(is_good);
    EXPECT_TRUE(fed(reader, std::string_view("\x00\x01\x00\x01", 4), is_good).empty());
    EXPECT_FALSE(is_good);
}

TEST(FrameReader, GivesUpLookingForTheOpeningLine) {
    FrameReader reader("castra-sync X");
    bool is_good = true;
    const std::string noise(65536, 'n');
    for (std::size_t sent = 0; is_good && sent < 10 * limits::opening_bytes_max; sent += noise.size())
        EXPECT_TRUE(fed(reader, noise, is_good).empty());
    EXPECT_FALSE(is_good);
    EXPECT_LT(reader.pending_bytes(), noise.size() + 64);
}

TEST(FrameReader, KeepsTheRestForLaterWhenToldToStop) {
    FrameReader reader;
    std::vector<std::string> got;
    const auto one = [&](std::string_view body) {
        got.emplace_back(body);
        return false;
    };
    ASSERT_TRUE(reader.feed(framed("a") + framed("b") + framed("c"), one));
    EXPECT_EQ(got, std::vector<std::string>{"a"});
    ASSERT_TRUE(reader.resume(one));
    ASSERT_TRUE(reader.feed("", one));
    EXPECT_EQ(got, (std::vector<std::string>{"a", "b", "c"}));
}

} // namespace
} // namespace castra::broker
