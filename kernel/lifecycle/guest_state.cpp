// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/guest_state.hpp"

#include "lifecycle/control_channel.hpp"

#include <regex>

namespace castra {

Result<GuestState> guest_state_in(const std::string& answer, const sdk::StateQuery& query) {
    try {
        const std::regex expression(query.row, std::regex::ECMAScript);
        std::smatch found;
        if (expression.mark_count() != 1 || !std::regex_search(answer, found, expression))
            return fail(ErrorCode::protocol, "the answer to the state query has no state");
        GuestState state{found[1].str() == query.running, found[1].str(), ""};
        if (const auto hint = query.hints.find(state.word); hint != query.hints.end()) state.hint = hint->second;
        return state;
    } catch (const std::regex_error& error) {
        return fail(ErrorCode::protocol, std::string("the state query's row: ") + error.what());
    }
}

Task<Result<std::optional<GuestState>>> guest_state(Host& host, const sdk::LaunchPlan& plan, Milliseconds deadline) {
    using State = std::optional<GuestState>;
    if (!plan.state) co_return State();
    const auto answer = co_await ask_planned(host, plan, plan.state->socket, plan.state->exchanges, deadline);
    if (!answer) co_return Failure(answer.error());
    auto state = guest_state_in(*answer, *plan.state);
    if (!state) co_return Failure(state.error());
    co_return State(std::move(*state));
}

} // namespace castra
