// SPDX-License-Identifier: Apache-2.0
// Rule 18 from both sides: what the encoder writes and what the decoder takes.
#include "contract/decode.hpp"
#include "contract/registry.hpp"
#include "contract/secret_book.hpp"
#include "stream.hpp"

#include <gtest/gtest.h>

namespace castra::contract {
namespace {

Draft launch() {
    return draft(VmLaunch{1, "tcg", "launcher-qemu", "A"}, "m").on("web-0");
}

int rule_of(const tl::expected<Event, Violation>& decoded) {
    return decoded ? 0 : decoded.error().rule;
}

TEST(Decode, RefusesWhatTheRegistryDoesNotHave) {
    Stream stream;
    const auto good = Json::parse(line_of(stream.next(launch())));
    ASSERT_EQ(rule_of(decode_json(good, ReaderMode::strict)), 0);
    const auto broken = [&](auto&& change) {
        auto event = good;
        change(event);
        return rule_of(decode_json(event, ReaderMode::strict)) == 18;
    };
    EXPECT_TRUE(broken([](Json& e) { e["type"] = "vm.lunch"; }));
    EXPECT_TRUE(broken([](Json& e) { e["family"] = "broker"; }));
    EXPECT_TRUE(broken([](Json& e) { e["severity"] = "fatal"; }));
    EXPECT_TRUE(broken([](Json& e) { e["contract"] = "1.1"; }));
    EXPECT_TRUE(broken([](Json& e) { e.erase("pid"); }));
    EXPECT_TRUE(broken([](Json& e) { e.erase("vm"); }));
    EXPECT_TRUE(broken([](Json& e) { e["pid"] = "1"; }));
    EXPECT_TRUE(broken([](Json& e) { e["pid"] = 1.5; }));
    EXPECT_TRUE(broken([](Json& e) { e["pid"] = nullptr; }));
    EXPECT_TRUE(broken([](Json& e) { e["pid"] = integer_max + 1; }));
    EXPECT_TRUE(broken([](Json& e) { e["pid"] = -integer_max - 1; }));
    EXPECT_TRUE(broken([](Json& e) { e["elapsed_us"] = -1; }));
    EXPECT_TRUE(broken([](Json& e) { e["time"] = "2026-11-23T13:06:02Z"; }));
    EXPECT_TRUE(broken([](Json& e) { e["time"] = "2026-11-23T13:06:02.000001+"; }));
    EXPECT_TRUE(broken([](Json& e) { e["surprise"] = 1; }));
    EXPECT_TRUE(broken([](Json& e) { e["error"] = {{"code", "a"}, {"title", "b"}, {"retryable", true}, {"x", 1}}; }));
    EXPECT_TRUE(broken([](Json& e) { e["message"] = "two\nlines"; }));
    EXPECT_TRUE(broken([](Json& e) { e["message"] = std::string("nul\0", 4); }));
    EXPECT_TRUE(broken([](Json& e) { e["message"] = "\x1b[31m"; }));
    EXPECT_TRUE(broken([](Json& e) { e["ext"] = 1; }));
    EXPECT_TRUE(broken([](Json& e) { e["ext"]["a"] = nullptr; }));
    EXPECT_TRUE(broken([](Json& e) { e = Json::array(); }));
}

TEST(Decode, ToleratesWhatALaterMinorAdds) {
    Stream stream;
    auto event = Json::parse(line_of(stream.next(launch())));
    event["contract"] = "1.7";
    event["surprise"] = {{"deep", nullptr}};
    ASSERT_EQ(rule_of(decode_json(event, ReaderMode::tolerant)), 0);
    event["type"] = "vm.snapshot";
    const auto unknown = decode_json(event, ReaderMode::tolerant);
    ASSERT_TRUE(unknown);
    EXPECT_TRUE(unknown->is<Extension>());
    EXPECT_EQ(unknown->envelope.message, "m");
    event["contract"] = "2.0";
    EXPECT_EQ(rule_of(decode_json(event, ReaderMode::tolerant)), 18);
}

TEST(Decode, RefusesLinesThatAreNoCleanJson) {
    Stream stream;
    auto line = line_of(stream.next(launch()));
    line.pop_back();
    const auto refused = [](const std::string& text) { return rule_of(decode(text, ReaderMode::strict)) == 18; };
    EXPECT_FALSE(refused(line));
    EXPECT_TRUE(refused(""));
    EXPECT_TRUE(refused("\xef\xbb\xbf" + line));
    EXPECT_TRUE(refused(line + "\r"));
    EXPECT_TRUE(refused(line + " {}"));
    EXPECT_TRUE(refused(line.substr(0, 40)));
    EXPECT_TRUE(refused("[" + line + "]"));
    EXPECT_TRUE(refused(line.substr(0, line.size() - 1) + ",\"pid\":1}"));
    EXPECT_TRUE(refused(line.substr(0, line.size() - 1) + ",\"ext\":{\"a\":1,\"a\":1}}"));
    EXPECT_TRUE(refused(line.substr(0, line.size() - 1) + ",\"ext\":{\"a\":\"\xff\"}}"));
    EXPECT_TRUE(refused(line.substr(0, line.size() - 1) + ",\"ext\":{\"a\":18446744073709551616}}"));
    EXPECT_TRUE(refused(line.substr(0, line.size() - 1) + ",\"ext\":{\"a\":" + std::string(100, '[') +
                        std::string(100, ']') + "}}"));
    EXPECT_TRUE(refused(std::string(line_bytes_max, ' ') + line));
}

TEST(Encode, RefusesWhatTypesCannotPrevent) {
    Stream stream;
    const auto refused = [&](auto&& change) {
        auto event = stream.next(launch());
        change(event);
        std::string line;
        const auto bad = encode(event, line);
        EXPECT_TRUE(line.ends_with("}\n")) << "the quarantine gets it whole";
        return bad && bad->rule == 18;
    };
    EXPECT_FALSE(refused([](Event&) {}));
    EXPECT_TRUE(refused([](Event& e) { e.envelope.vm.reset(); }));
    EXPECT_TRUE(refused([](Event& e) { e.envelope.type = "vm.ready"; }));
    EXPECT_TRUE(refused([](Event& e) { e.envelope.family = Family::broker; }));
    EXPECT_TRUE(refused([](Event& e) { e.envelope.message = "two\nlines"; }));
    EXPECT_TRUE(refused([](Event& e) { e.envelope.message = "\x7f"; }));
    EXPECT_TRUE(refused([](Event& e) { std::get<VmLaunch>(e.body).pid = integer_max + 1; }));
    EXPECT_TRUE(refused([](Event& e) { std::get<VmLaunch>(e.body).launcher = std::string("a\0", 2); }));
    EXPECT_TRUE(refused([](Event& e) { e.envelope.ext = Json{{"a", nullptr}}; }));
    EXPECT_TRUE(refused([](Event& e) { e.envelope.ext = Json{{"a\x1b", 1}}; }));
    EXPECT_TRUE(refused([](Event& e) { e.envelope.elapsed_us = -1; }));
    EXPECT_TRUE(refused([](Event& e) { e.envelope.ext = Json::array(); }));
    EXPECT_TRUE(refused([](Event& e) {
        Json deep = 1;
        for (int i = 0; i < 40; ++i)
            deep = Json{{"a", std::move(deep)}};
        e.envelope.ext = std::move(deep);
    }));
    EXPECT_TRUE(refused([](Event& e) { e.body = Extension{}, e.envelope.type = "x.Bad.name"; }));
}

// Every type with every field set, through the encoder and back, and as a JSON library reads it.
TEST(Encode, RoundTripsEveryType) {
    [&]<class... E>(std::type_identity<std::tuple<E...>>) {
        const auto one = [&](const auto& body) {
            Stream stream;
            auto event = stream.next(draft(body, "m \"quoted\" \\ \xc3\xa4 \xf0\x9f\x98\x80")
                                         .on("web-0")
                                         .took(1)
                                         .because({"c", "t\n2\t", "d", true}));
            event.envelope.ext = Json{{"deep", {1, "two", true, -3}}};
            event.envelope.progress = ProgressField{1, 2, "vms"};
            event.envelope.cause_seq = 1;
            std::string line;
            const auto bad = encode(event, line);
            ASSERT_FALSE(bad) << bad->text;
            const auto back = decode(std::string_view(line).substr(0, line.size() - 1), ReaderMode::strict);
            ASSERT_TRUE(back) << event.envelope.type << ": " << back.error().text;
            EXPECT_EQ(line_of(*back), line);
            const auto json = Json::parse(line);
            EXPECT_EQ(json["message"], event.envelope.message);
            EXPECT_EQ(json.dump() + "\n", line) << "the same text as a JSON library writes";
        };
        (one(E{}), ...);
    }(std::type_identity<EventTypes>{});
}

TEST(Encode, EscapesLikeAJsonLibrary) {
    Stream stream;
    for (int byte = 1; byte < 256; ++byte)
        for (const std::size_t before : {0U, 3U, 7U, 8U, 9U}) {
            if (byte == 0x7f || (byte < 0x20 && byte != '\n' && byte != '\t')) continue;
            const std::string text = std::string(before, 'a') + static_cast<char>(byte) + "b\xc3\xa4";
            auto event = stream.next(message(Severity::info, "m"));
            std::get<Message>(event.body).text = text;
            const auto json = Json::parse(line_of(event));
            const auto expected = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
            EXPECT_EQ(json["text"].dump(), expected) << byte;
        }
}

TEST(Encode, StaysWithinTheLineAndSaysThatItWasCut) {
    Stream stream;
    std::string line;
    std::string whole;
    EXPECT_FALSE(encode(stream.next(message(Severity::info, std::string(200000, 'x'))), line, &whole));
    EXPECT_LE(line.size(), line_bytes_max);
    EXPECT_EQ(Json::parse(line)["truncated"], true);
    EXPECT_EQ(Json::parse(whole)["text"].get<std::string>().size(), 200000U);
    EXPECT_FALSE(encode(stream.next(message(Severity::info, std::string(60000, '"'))), line));
    EXPECT_LE(line.size(), line_bytes_max);
    CommandAccepted many;
    many.argv.assign(70000, "a");
    EXPECT_EQ(encode(stream.next(draft(many, "up")), line)->rule, 18) << "nothing to cut";
}

TEST(Time, IsUtcWithSixDecimals) {
    EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(utc_text(1795439162000001), "2026-11-23T13:06:02.000001Z");
    EXPECT_EQ(utc_text(1709210096123456), "2024-02-29T12:34:56.123456Z");
}

TEST(SecretBook, MasksFreeTextAndNeverNames) {
    SecretBook book;
    ASSERT_TRUE(book.add(Secret("tok\"en/1")));
    ASSERT_TRUE(book.add(Secret("tok\"en/1-longer")));
    EXPECT_FALSE(book.add(Secret("abc"))) << "too short to be told from other text";
    Stream stream;
    auto event = stream.next(message(Severity::info, "a tok\"en/1-longer b tok\"en/1").cure("tok\"en/1"));
    event.envelope.ext = Json{{"list", {"x tok\"en/1"}}};
    book.mask(event);
    const auto line = line_of(event);
    EXPECT_EQ(event.envelope.message, "a *** b ***");
    EXPECT_FALSE(book.reveals(line));
    EXPECT_EQ(*event.envelope.redacted, (std::vector<std::string>{"message", "remediation", "ext", "text"}));
    event.envelope.vm = "tok\"en/1";
    book.mask(event);
    EXPECT_TRUE(book.reveals(line_of(event)));
}

TEST(Registry, GivesOneNameOneTypeAndOneUnitEverywhere) {
    std::map<std::string, std::pair<JsonType, Unit>> dictionary;
    const auto enter = [&](const auto& self, std::span<const FieldSpec> fields) -> void {
        for (const auto& field : fields) {
            const auto [entry, is_new] = dictionary.try_emplace(field.name, field.type, field.unit);
            EXPECT_TRUE(is_new || entry->second == std::pair(field.type, field.unit)) << field.name;
            self(self, field.members);
            for (const auto& item : field.item)
                self(self, item.members);
        }
    };
    enter(enter, registry().envelope());
    for (const auto& type : registry().types())
        enter(enter, type.fields);
}

TEST(Registry, GivesEveryFieldAMeaning) {
    for (const auto& type : registry().types())
        for (const auto& field : type.fields) {
            EXPECT_FALSE(field.meaning.empty()) << type.about.type << "." << field.name;
            if (field.type == JsonType::object || field.type == JsonType::array) continue;
            EXPECT_TRUE(Json::accept(field.example)) << type.about.type << "." << field.name;
        }
}

TEST(CleanText, MakesHostileTextFit) {
    EXPECT_EQ(clean_text("a\x1b[31mb\r\n\tc", 100, false), "a?[31mb\n\tc");
    EXPECT_EQ(clean_text("a\nb", 100, true), "a b");
    EXPECT_EQ(clean_text(std::string_view("a\0b", 3), 100, true), "a?b");
    EXPECT_EQ(clean_text("\xff", 100, true), "\xef\xbf\xbd");
    EXPECT_EQ(clean_text("\xc0\xaf\xed\xa0\x80", 100, true),
              "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    EXPECT_EQ(clean_text("12345", 3, true), "345");
    EXPECT_EQ(clean_text("\xc3\xa4\xc3\xa4", 3, true), "\xc3\xa4"); // never half a letter
}

} // namespace
} // namespace castra::contract
