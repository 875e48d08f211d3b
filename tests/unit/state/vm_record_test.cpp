// SPDX-License-Identifier: Apache-2.0
#include "state/record_head.hpp"

#include "host/files.hpp"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace castra {
namespace {

class VmRecordTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-record.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
        Environment environment;
        environment.castra_home = dir / "home";
        layout.emplace(environment, dir / "castra.toml", "");
        std::filesystem::create_directories(layout->vm_dir("web"));
        record.name = "web";
        record.uuid = "u";
        record.phase = "ready";
        record.pid = 4242;
        record.start_ticks = 17;
        record.spec = {{"name", "web"}, {"port_forwards", {{{"host", 1}, {"guest", 22}}}}, {"text", "\n \"plan\": {"}};
        record.plan = {{"accelerator", "tcg"}, {"argv", {"qemu", "-x", "\n \"plan\": {"}}, {"plan", {{"a", 1}}}};
    }
    void TearDown() override { std::filesystem::remove_all(dir); }
    void write(const std::string& text) { std::ofstream(layout->vm_record("web")) << text; }

    std::filesystem::path dir;
    std::optional<Layout> layout;
    VmRecord record;
};

TEST_F(VmRecordTest, IsListedOrNobodyCanSay) {
    std::filesystem::create_directories(layout->vm_dir("db")); // leftovers without a record
    ASSERT_TRUE(save_record(*layout, record));
    EXPECT_EQ(recorded_vms(*layout).value(), std::vector<std::string>{"web"});
    std::filesystem::remove_all(layout->vms_dir());
    EXPECT_TRUE(recorded_vms(*layout).value().empty()) << "there never was one";
    std::ofstream(layout->vms_dir()) << "no directory";
    const auto unlisted = recorded_vms(*layout);
    ASSERT_FALSE(unlisted);
    EXPECT_EQ(unlisted.error().code, ErrorCode::io);
}

TEST_F(VmRecordTest, ComesBackAsItWasSaved) {
    ASSERT_TRUE(save_record(*layout, record));
    const auto back = load_record(*layout, "web");
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(back->plan, record.plan);
    EXPECT_EQ(back->spec, record.spec);
    EXPECT_EQ(back->process(), record.process());
}

TEST_F(VmRecordTest, HasAHeadWithEverythingButThePlanAndTheSpec) {
    ASSERT_TRUE(save_record(*layout, record));
    const auto head = load_record_head(*layout, "web");
    ASSERT_TRUE(head) << head.error().text;
    EXPECT_EQ(head->plan, nlohmann::json({{"accelerator", "tcg"}, {"asks_state", false}}));
    EXPECT_EQ(head->spec, nlohmann::json({{"port_forwards", record.spec["port_forwards"]}}));
    EXPECT_EQ(head->process(), record.process());
    EXPECT_EQ(head->phase, "ready");
}

TEST_F(VmRecordTest, IsListedWithItsLeftoversForWhoLooksIntoEach) {
    std::filesystem::create_directories(layout->vm_dir("db"));
    ASSERT_TRUE(save_record(*layout, record));
    EXPECT_EQ(vm_directories(*layout).value(), (std::vector<std::string>{"db", "web"}));
    EXPECT_EQ(load_record_head(*layout, "db").error().code, ErrorCode::not_found);
}

TEST_F(VmRecordTest, OfAnEarlierCastraHasItsSpecInTheHead) {
    const nlohmann::json head{{"name", "web"}, {"phase", "ready"}, {"spec", {{"a", 1}}}, {"uuid", "u"}};
    auto text = head.dump(1);
    text.resize(text.size() - 2);
    write(text + ",\n \"plan\": {\n  \"accelerator\": \"kvm\"\n }\n}");
    const auto read = load_record_head(*layout, "web");
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->spec, head["spec"]);
    EXPECT_EQ(load_record(*layout, "web")->plan, nlohmann::json({{"accelerator", "kvm"}}));
}

TEST_F(VmRecordTest, IsReadWholeWhenSomebodyWroteItOtherwise) {
    nlohmann::json json{
        {"name", "web"}, {"phase", "ready"}, {"pid", 1}, {"plan", {{"accelerator", "kvm"}}}, {"spec", {{"a", 1}}}};
    for (const int indent : {-1, 1, 4}) { // as of old: keys by the alphabet, the plan in the middle
        write(json.dump(indent));
        const auto head = load_record_head(*layout, "web");
        ASSERT_TRUE(head) << head.error().text;
        EXPECT_EQ(head->spec, json["spec"]) << indent;
        EXPECT_EQ(head->plan.value("accelerator", ""), "kvm") << indent;
    }
}

TEST_F(VmRecordTest, IsDamagedForTheHeadTooWhenItIsCut) {
    ASSERT_TRUE(save_record(*layout, record));
    const auto text = *files::read(layout->vm_record("web"), 1 << 20);
    for (const std::size_t left : {std::size_t{0}, std::size_t{10}, text.size() / 2, text.size() - 30}) {
        write(text.substr(0, left));
        EXPECT_FALSE(load_record(*layout, "web")) << left;
        EXPECT_FALSE(load_record_head(*layout, "web")) << left;
    }
}

} // namespace
} // namespace castra
