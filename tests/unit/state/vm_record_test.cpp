// SPDX-License-Identifier: Apache-2.0
#include "state/record_head.hpp"

#include "host/files.hpp"
#include "unit/scratch_project.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace castra {
namespace {

class VmRecordTest : public ScratchProject {
protected:
    VmRecordTest() {
        record.name = "web";
        record.uuid = "u";
        record.phase = "ready";
        record.pid = 4242;
        record.start_ticks = 17;
        record.spec = {{"name", "web"}, {"port_forwards", {{{"host", 1}, {"guest", 22}}}}, {"text", "\n \"plan\": {"}};
        record.plan = {{"accelerator", "tcg"}, {"argv", {"qemu", "-x", "\n \"plan\": {"}}, {"plan", {{"a", 1}}}};
    }
    void write(const std::string& text) { std::ofstream(layout.vm_record("web")) << text; }

    VmRecord record;
};

TEST_F(VmRecordTest, IsListedOrNobodyCanSay) {
    std::filesystem::create_directories(layout.vm_dir("db")); // leftovers without a record
    ASSERT_TRUE(save_record(layout, record));
    EXPECT_EQ(recorded_vms(layout).value(), std::vector<std::string>{"web"});
    std::filesystem::remove_all(layout.vms_dir());
    EXPECT_TRUE(recorded_vms(layout).value().empty()) << "there never was one";
    std::ofstream(layout.vms_dir()) << "no directory";
    const auto unlisted = recorded_vms(layout);
    ASSERT_FALSE(unlisted);
    EXPECT_EQ(unlisted.error().code, ErrorCode::io);
}

TEST_F(VmRecordTest, ComesBackAsItWasSaved) {
    ASSERT_TRUE(save_record(layout, record));
    const auto back = load_record(layout, "web");
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(back->plan, record.plan);
    EXPECT_EQ(back->spec, record.spec);
    EXPECT_EQ(back->process(), record.process());
}

TEST_F(VmRecordTest, HasAHeadWithEverythingButThePlanAndTheSpec) {
    ASSERT_TRUE(save_record(layout, record));
    const auto head = load_record_head(layout, "web");
    ASSERT_TRUE(head) << head.error().text;
    EXPECT_EQ(head->plan, nlohmann::json({{"accelerator", "tcg"}, {"asks_state", false}}));
    EXPECT_EQ(head->spec, nlohmann::json({{"port_forwards", record.spec["port_forwards"]}}));
    EXPECT_EQ(head->process(), record.process());
    EXPECT_EQ(head->phase, "ready");
}

TEST_F(VmRecordTest, IsListedWithItsLeftoversForWhoLooksIntoEach) {
    std::filesystem::create_directories(layout.vm_dir("db"));
    ASSERT_TRUE(save_record(layout, record));
    EXPECT_EQ(vm_directories(layout).value(), (std::vector<std::string>{"db", "web"}));
    EXPECT_EQ(load_record_head(layout, "db").error().code, ErrorCode::not_found);
}

TEST_F(VmRecordTest, OfAnEarlierCastraHasItsSpecInTheHead) {
    const nlohmann::json head{{"name", "web"}, {"phase", "ready"}, {"spec", {{"a", 1}}}, {"uuid", "u"}};
    auto text = head.dump(1);
    text.resize(text.size() - 2);
    write(text + ",\n \"plan\": {\n  \"accelerator\": \"kvm\"\n }\n}");
    const auto read = load_record_head(layout, "web");
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->spec, head["spec"]);
    EXPECT_EQ(load_record(layout, "web")->plan, nlohmann::json({{"accelerator", "kvm"}}));
}

TEST_F(VmRecordTest, IsReadWholeWhenSomebodyWroteItOtherwise) {
    nlohmann::json json{
        {"name", "web"}, {"phase", "ready"}, {"pid", 1}, {"plan", {{"accelerator", "kvm"}}}, {"spec", {{"a", 1}}}};
    for (const int indent : {-1, 1, 4}) { // as of old: keys by the alphabet, the plan in the middle
        write(json.dump(indent));
        const auto head = load_record_head(layout, "web");
        ASSERT_TRUE(head) << head.error().text;
        EXPECT_EQ(head->spec, json["spec"]) << indent;
        EXPECT_EQ(head->plan.value("accelerator", ""), "kvm") << indent;
    }
}

// What the head repeats is odd, or something stands there that castra does not write: the plan and the spec tell it.
TEST_F(VmRecordTest, IsReadWholeWhenItsHeadIsOdd) {
    record.plan["state"] = {{"socket", "qmp"}};
    ASSERT_TRUE(save_record(layout, record));
    const auto text = *files::read(layout.vm_record("web"), 1 << 20);
    for (const auto& [seen, odd] : std::map<std::string, std::string>{
             {R"("accelerator": "tcg")", R"("accelerator": 7)"},
             {R"("asks_state": true)", R"("asks_state": null)"},
             {R"("asks_state": true)", R"("asks_state": true, "of_a_later_castra": [{}])"},
             {R"("port_forwards": [)", R"("port_forwards": [1, [], )"},
             {R"("pid": 4242)", R"("pid": 4242, "port_forwards": {"a": 1})"},
             {R"("phase": "ready")", R"("ph\u0061se": "ready")"}}) {
        auto changed = text;
        const auto at = changed.find(seen);
        ASSERT_LT(at, changed.find("\n \"plan\"")) << seen;
        write(changed.replace(at, seen.size(), odd));
        const auto head = load_record_head(layout, "web");
        ASSERT_TRUE(head) << odd << ": " << head.error().text;
        EXPECT_EQ(head->plan.value("accelerator", ""), "tcg") << odd;
        EXPECT_EQ(head->plan.value("asks_state", false), true) << odd;
        EXPECT_EQ(head->spec["port_forwards"], record.spec["port_forwards"]) << odd;
        EXPECT_EQ(head->process(), record.process()) << odd;
        EXPECT_EQ(head->phase, "ready") << odd;
    }
    for (const auto* wrong : {R"("pid": "x")", R"("pid": 4242, "name": 7)"}) {
        auto changed = text;
        write(changed.replace(changed.find(R"("pid": 4242)"), 11, wrong));
        EXPECT_FALSE(load_record_head(layout, "web")) << wrong;
    }
}

TEST_F(VmRecordTest, HasAHeadWithTextOfAnyKind) {
    record.overlay = "/a \"b\"\n\\c/\xc3\xa4";
    record.ssh_key = std::string(3000, 'k');
    record.restart_unix_us = 1;
    record.start_ticks = std::uint64_t{1} << 63;
    ASSERT_TRUE(save_record(layout, record));
    const auto head = load_record_head(layout, "web");
    ASSERT_TRUE(head) << head.error().text;
    EXPECT_TRUE(head->plan.contains("asks_state")) << "it was not read whole";
    EXPECT_FALSE(head->plan.contains("argv")) << "it was not read whole";
    EXPECT_EQ(head->overlay, record.overlay);
    EXPECT_EQ(head->ssh_key, record.ssh_key);
    EXPECT_EQ(head->start_ticks, record.start_ticks);
    EXPECT_EQ(head->restart_unix_us, 1);
}

TEST_F(VmRecordTest, WithAPlanThatIsNoObjectIsDamaged) {
    for (const auto* odd : {R"("plan": 7)", R"("plan": [])", R"("spec": "x")"}) {
        write(R"({"name": "web", )" + std::string(odd) + "}");
        EXPECT_FALSE(load_record(layout, "web")) << odd;
        EXPECT_FALSE(load_record_head(layout, "web")) << odd;
    }
}

TEST_F(VmRecordTest, IsDamagedForTheHeadTooWhenItIsCut) {
    ASSERT_TRUE(save_record(layout, record));
    const auto text = *files::read(layout.vm_record("web"), 1 << 20);
    for (const std::size_t left : {std::size_t{0}, std::size_t{10}, text.size() / 2, text.size() - 30}) {
        write(text.substr(0, left));
        EXPECT_FALSE(load_record(layout, "web")) << left;
        EXPECT_FALSE(load_record_head(layout, "web")) << left;
    }
}

} // namespace
} // namespace castra
