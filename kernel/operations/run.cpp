// SPDX-License-Identifier: Apache-2.0
#include "operations/run.hpp"

#include "base/ulid.hpp"
#include "contract/text.hpp"
#include "host/files.hpp"
#include "operations/exit_code.hpp"

namespace castra {

using contract::Outcome;

namespace {

// Opened when the first event is refused: most runs have nothing to quarantine.
class LazyJournal final : public Journal {
public:
    explicit LazyJournal(std::filesystem::path path) : path_(std::move(path)) {}
    Result<> append(std::string_view line, bool durable) override {
        if (!journal_) {
            CASTRA_CHECK(files::make_directories(path_.parent_path()));
            CASTRA_TRY(made, create_journal(path_));
            journal_ = std::move(made);
        }
        return journal_->append(line, durable);
    }

private:
    std::filesystem::path path_;
    std::unique_ptr<Journal> journal_;
};

std::string clean_line(const std::string& text) {
    return contract::clean_text(text, 4096, true);
}

} // namespace

Run::Run(Clock& clock, const Request& request, std::string project, std::string version)
    : request_(request), run_id_(make_ulid(static_cast<std::uint64_t>(clock.unix_us() / 1000), clock.entropy())),
      project_(std::move(project)), version_(std::move(version)), clock_(clock) {
    (void)open({});
}

Run::~Run() {
    if (bus_->is_sealed()) return;
    contract::Summary summary;
    summary.outcome = Outcome::aborted;
    summary.exit_code = exit_code::aborted;
    bus_->conclude(std::move(summary), {}, "aborted: castra ended the run early");
}

Result<> Run::open(const RunFiles& files) {
    RunJournals journals;
    if (!files.journal.empty()) {
        CASTRA_CHECK(files::make_directories(files.journal.parent_path()));
        const bool is_a_way_out = request_.operation == Operation::down || request_.operation == Operation::clean;
        CASTRA_TRY(made, is_a_way_out ? create_journal_with_room(files.journal, files.reserves)
                                      : create_journal(files.journal));
        journals.main = std::move(made);
        journal_directory_ = files.journal.parent_path();
        journals.quarantine = std::make_unique<LazyJournal>(files.quarantine);
        const auto uncut = std::filesystem::path(files.quarantine).replace_extension(".uncut.ndjson");
        journals.uncut = std::make_unique<LazyJournal>(uncut);
        journals.uncut_path = uncut.string();
    }
    ContractTerms terms;
    if (request_.strict) terms.mode = ContractMode::strict;
    if (request_.grease) terms.grease = contract::Grease::unknown_fields;
    bus_ = std::make_unique<EventBus>(RunIdentity{run_id_, std::string(to_string(request_.operation)), project_},
                                      clock_, std::move(journals), terms);
    return {};
}

contract::Draft goes_by_records(const Error& config_problem) {
    return contract::message(
               contract::Severity::warn,
               contract::clean_text("castra.toml cannot be read, so what is up is taken from castra's own "
                                    "records: " +
                                        config_problem.text,
                                    2048, true),
               "project_problem")
        .cure(config_problem.hint.empty() ? "mend the file before the next castra up"
                                          : clean_line(config_problem.hint));
}

void Run::accept(contract::CommandAccepted accepted) {
    accepted.tool_version = version_;
    accepted.config_path = clean_line(accepted.config_path);
    accepted.argv.clear();
    for (const auto& argument : request_.argv)
        accepted.argv.push_back(clean_line(argument));
    accepted.limits.queue_events_max = static_cast<std::int64_t>(EventBus::default_limits().events_max);
    const auto text = std::string(to_string(request_.operation)) + (project_.empty() ? "" : " " + project_);
    bus_->publish(contract::draft(accepted, text));
}

RunResult Run::reject(const std::vector<Error>& findings) {
    contract::CommandRejected rejected;
    rejected.code = to_string(findings.front().code);
    for (const auto& finding : findings) {
        if (!rejected.detail.empty()) rejected.detail += "\n";
        rejected.detail += clean_line(finding.text + (finding.hint.empty() ? "" : " (" + finding.hint + ")"));
    }
    const contract::ErrorField error{rejected.code, "the command was rejected", rejected.detail, false};
    const auto first = clean_line(findings.front().text);
    const auto more = findings.size() > 1 ? " (and " + std::to_string(findings.size() - 1) + " more)" : "";
    auto event = contract::draft(rejected, first + more).because(error).cure(clean_line(findings.front().hint));
    bus_->publish(std::move(event));
    const bool is_cancelled = findings.front().code == ErrorCode::cancelled;
    const RunResult result{is_cancelled ? Outcome::cancelled : Outcome::failed, exit_code::of(findings.front().code),
                           true};
    contract::Summary summary;
    summary.outcome = result.outcome;
    summary.exit_code = result.exit_code;
    bus_->conclude(std::move(summary), error, "rejected: " + first + more);
    return result;
}

RunResult Run::finish(contract::Summary summary, std::string message) {
    std::optional<contract::ErrorField> error;
    if (bus_->mode() == ContractMode::strict && bus_->violations() > 0) {
        summary.outcome = Outcome::failed;
        summary.exit_code = exit_code::contract_violation;
        message = "failed: " + std::to_string(bus_->violations()) + " contract violations in strict mode";
    }
    bus_->flush(); // a journal may fail at this run's last events only
    if (summary.outcome == Outcome::succeeded && bus_->journal_failed()) {
        summary.outcome = Outcome::failed;
        message = "failed: the run's journal cannot be written";
    }
    if (summary.outcome == Outcome::succeeded && bus_->failures() > 0) {
        summary.outcome = Outcome::failed;
        summary.exit_code = exit_code::failed;
    }
    if (summary.outcome == Outcome::failed) {
        if (summary.exit_code == 0) summary.exit_code = exit_code::failed;
        error = contract::ErrorField{"run_failed", clean_line(message), {}, true};
    }
    const RunResult result{summary.outcome, static_cast<int>(summary.exit_code)};
    bus_->conclude(std::move(summary), error, clean_line(message));
    if (!journal_directory_.empty()) keep_journal_reserve(journal_directory_); // nobody waits for it any more
    return result;
}

} // namespace castra
