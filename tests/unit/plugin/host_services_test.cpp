// SPDX-License-Identifier: Apache-2.0
// The C face of the host, called as a plugin calls it.
#include "plugin/host_services.hpp"

#include <gmock/gmock.h>

namespace castra {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LoudHost : public HostServices {
public:
    void log(std::string_view plugin, PluginLogLevel level, std::string_view text) override {
        logged.push_back(std::string(plugin) + std::to_string(static_cast<int>(level)) + std::string(text));
    }
    Result<> emit(std::string_view, const nlohmann::json& event) override {
        if (event.value("type", "") == "throw") throw std::runtime_error("a bug of ours");
        return fail(ErrorCode::protocol, "rule 20", "emit x.*");
    }
    PluginHostTime now() override { return {1, 2}; }
    bool cancelled() override { return true; }
    Result<Secret> secret(std::string_view, const std::string& name) override { return Secret(name + " \"x\""); }
    std::vector<std::string> logged;
};

class HostTableTest : public ::testing::Test {
protected:
    static std::int32_t append(void* text, castra_bytes chunk) {
        static_cast<std::string*>(text)->append(static_cast<const char*>(chunk.data), chunk.size);
        return 0;
    }
    std::int32_t call(std::uint32_t slot, const std::string& request, const char* id = CASTRA_HOST_V1) {
        reply.clear();
        error.clear();
        const auto* table = host_table.c_table();
        const castra_sink reply_sink{&reply, append}, error_sink{&error, append};
        const auto* interface = table->find_interface(table, id);
        return interface->slots[slot](table->self, nullptr, {request.data(), request.size()}, &reply_sink, &error_sink);
    }
    LoudHost host;
    HostTable host_table{host, "p"};
    std::string reply, error;
};

TEST_F(HostTableTest, KnowsItsInterfaces) {
    const auto* table = host_table.c_table();
    EXPECT_NE(table->find_interface(table, "castra.host/1"), nullptr);
    EXPECT_NE(table->find_interface(table, "castra.secrets/1"), nullptr);
    EXPECT_EQ(table->find_interface(table, "castra.host/2"), nullptr);
    EXPECT_EQ(table->find_interface(table, nullptr), nullptr);
}

TEST_F(HostTableTest, AnswersEachSlot) {
    EXPECT_EQ(call(CASTRA_HOST_LOG, R"({"level": "warn", "text": "t"})"), CASTRA_OK);
    EXPECT_EQ(call(CASTRA_HOST_LOG, R"({"level": "shout"})"), CASTRA_OK);
    EXPECT_THAT(host.logged, ElementsAre("p2t", "p1"));
    EXPECT_EQ(call(CASTRA_HOST_NOW, ""), CASTRA_OK);
    EXPECT_EQ(reply, R"({"monotonic_ns":2,"unix_us":1})");
    EXPECT_EQ(call(CASTRA_HOST_CANCELLED, "{}"), CASTRA_OK);
    EXPECT_EQ(reply, R"({"cancelled":true})");
}

TEST_F(HostTableTest, ReadsSecrets) {
    EXPECT_EQ(call(CASTRA_SECRETS_READ, R"({"name": "n"})", CASTRA_SECRETS_V1), CASTRA_OK);
    EXPECT_EQ(reply, R"({"value":"n \"x\""})");
    EXPECT_EQ(call(CASTRA_SECRETS_READ, "{}", CASTRA_SECRETS_V1), CASTRA_INVALID_REQUEST);
    EXPECT_EQ(call(CASTRA_SECRETS_READ, R"({"name": 1})", CASTRA_SECRETS_V1), CASTRA_INVALID_REQUEST);
}

TEST_F(HostTableTest, TellsWhyAnEventWasRefused) {
    EXPECT_EQ(call(CASTRA_HOST_EMIT, "{}"), CASTRA_FAILED);
    EXPECT_EQ(error, R"({"code":"refused","hint":"emit x.*","title":"rule 20"})");
}

TEST_F(HostTableTest, RefusesNonsenseAndNeverThrowsIntoC) {
    for (const auto* request : {"[]", "{", "\xff", R"({"level": 1})", R"({"text": []})"}) {
        EXPECT_EQ(call(CASTRA_HOST_LOG, request), CASTRA_INVALID_REQUEST) << request;
        EXPECT_THAT(error, HasSubstr("invalid_request"));
    }
    EXPECT_EQ(call(CASTRA_HOST_EMIT, R"({"type": "throw"})"), CASTRA_INTERNAL);
    EXPECT_EQ(call(CASTRA_HOST_LOG, std::string(100000, '[')), CASTRA_INVALID_REQUEST);
}

} // namespace
} // namespace castra
