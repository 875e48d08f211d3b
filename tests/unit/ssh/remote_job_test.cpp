// SPDX-License-Identifier: Apache-2.0
// The script that jobs are, run by the shells that guests have: no SSH, no guest.
#include "ssh/remote_job.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace castra::ssh {
namespace {

class JobScript : public ::testing::TestWithParam<std::vector<std::string>> {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "castra job's.XXXXXX").string();
        dir_ = ::mkdtemp(pattern.data());
        request_.vm.name = "web-0";
        request_.inputs = {{"remote_dir", dir_ + "/a b"}, {"env", sdk::Json::object()}, {"run_id", "01"}};
    }
    void TearDown() override { std::filesystem::remove_all(dir_); }

    std::string run(const RemoteJob& job, std::chrono::seconds limit = std::chrono::seconds(60)) {
        Child child(GetParam());
        std::string text;
        Conversation talk;
        talk.input = job_script(request_, job, "N");
        talk.keeps_input_open = true;
        talk.on_output = [&](std::string_view piece) { text.append(piece); };
        talk.is_enough = [&] { return text.find("castra-exit-N") != text.npos && text.back() == '\n'; };
        castra_call limits{sizeof(castra_call), 0, 0, 0, -1, 0};
        limits.deadline_ns =
            std::chrono::duration_cast<std::chrono::nanoseconds>((sdk::Call::Clock::now() + limit).time_since_epoch())
                .count();
        ending_ = converse(child, talk, sdk::Call(&limits));
        return text;
    }

    std::string dir_;
    sdk::StepRequest request_;
    Ending ending_;
};

TEST_P(JobScript, RunsInRemoteDirWithTheEnvironmentAsItIs) {
    const std::string value = "it's $HOME `id` \"x\"\nline two \xc3\xa4";
    request_.inputs["env"] = {{"NASTY", value}};
    EXPECT_EQ(run({"printf '%s|%s|%s' \"$NASTY\" \"$CASTRA_VM\" \"$PWD\"", ""}),
              value + "|web-0|" + dir_ + "/a b\ncastra-exit-N 0\n");
}

TEST_P(JobScript, TellsTheExitCodeAndNeverBlocksOnStdin) {
    EXPECT_EQ(run({"read -r line; exit 3", ""}), "\ncastra-exit-N 3\n");
}

TEST_P(JobScript, DoesWhatComesAfterOnlyWhenItSucceeded) {
    EXPECT_EQ(run({"exit 0", "echo after; rc=9"}), "after\n\ncastra-exit-N 9\n");
    EXPECT_EQ(run({"exit 1", "echo after"}), "\ncastra-exit-N 1\n");
}

TEST_P(JobScript, EndsWhatItRunsWhenWeAreGone) {
    (void)run({"sleep 1000 & echo $! >own; wait", ""}, std::chrono::seconds(2));
    EXPECT_EQ(ending_.why, Ending::Why::timed_out);
    std::ifstream own(dir_ + "/a b/own");
    int pid = 0;
    own >> pid;
    ASSERT_GT(pid, 0);
    const auto until = sdk::Call::Clock::now() + std::chrono::seconds(30);
    while (::kill(pid, 0) == 0 && sdk::Call::Clock::now() < until)
        ::usleep(20'000);
    EXPECT_NE(::kill(pid, 0), 0) << "the job outlived its connection";
}

TEST_P(JobScript, RunsNothingOfAScriptThatDidNotArriveWhole) {
    Child child(GetParam());
    Conversation talk;
    const auto script = job_script(request_, {"touch '" + dir_ + "/ran'", ""}, "N");
    talk.input = script.substr(0, script.size() - 8);
    castra_call limits{sizeof(castra_call), 0, 0, 0, -1, 0};
    (void)converse(child, talk, sdk::Call(&limits));
    EXPECT_FALSE(std::filesystem::exists(dir_ + "/ran"));
}

std::vector<std::vector<std::string>> job_shells() {
    std::vector<std::vector<std::string>> found{{"/bin/dash"}};
    for (const char* busybox : {"/bin/busybox", "/usr/bin/busybox"})
        if (::access(busybox, X_OK) == 0) {
            found.push_back({busybox, "ash"});
            break;
        }
    return found;
}
INSTANTIATE_TEST_SUITE_P(Shells, JobScript, ::testing::ValuesIn(job_shells()),
                         [](const auto& test) { return test.param.size() == 1 ? "dash" : "ash"; });

// Instead of ssh, a shell program that runs what it is sent.
class RunJob : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "castra-job.XXXXXX").string();
        dir_ = ::mkdtemp(pattern.data());
        path_ = ::getenv("PATH");
        ::setenv("PATH", (dir_.string() + ":" + path_).c_str(), 1);
    }
    void TearDown() override {
        ::setenv("PATH", path_.c_str(), 1);
        std::filesystem::remove_all(dir_);
    }

    JobResult run(const std::string& ssh, const RemoteJob& job) {
        std::ofstream(dir_ / "ssh") << "#!/bin/sh\n" << ssh;
        std::filesystem::permissions(dir_ / "ssh", std::filesystem::perms::owner_all);
        sdk::StepRequest request;
        request.vm.ssh.emplace();
        request.inputs = {{"remote_dir", (dir_ / "work").string()}, {"env", sdk::Json::object()}};
        castra_call limits{sizeof(castra_call), 0, 0, 0, -1, 0};
        return run_job(Session(request.vm), request, job, log_, nullptr, sdk::Call(&limits));
    }

    std::filesystem::path dir_;
    std::string path_;
    MaskedLog log_{"", sdk::Json::object()};
};

// A server sends stdout and stderr by ways of their own: here stderr arrives late.
TEST_F(RunJob, HearsBothStreamsToTheirEnds) {
    const auto result = run("exec 3>&1\n/bin/sh 2>&1 >&3 3>&- | { sleep 0.3; cat >&2; }\n",
                            {"echo out; echo; echo why >&2; exit 3", ""});
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_EQ(result.complaint, "why\n");
    EXPECT_EQ(log_.tail(), "out\n\nwhy\n"); // and nothing of ours
}

TEST_F(RunJob, IsOverWhenItsSessionIs) {
    const auto result = run("/bin/sh\nsleep 0.2\n: >\"${0%/*}/over\"\n", {"exit 0", ""});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_TRUE(std::filesystem::exists(dir_ / "over"));
}

TEST_F(RunJob, DoesNotWaitForEverForTheEndOfItsSession) {
    const auto began = sdk::Call::Clock::now();
    const auto result = run("/bin/sh\nexec sleep 1000\n", {"exit 0", ""});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_LT(sdk::Call::Clock::now() - began, std::chrono::seconds(30));
}

} // namespace
} // namespace castra::ssh
