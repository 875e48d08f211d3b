// SPDX-License-Identifier: Apache-2.0
// Rule 20: what a plugin may emit. Its own types x.<plugin>.<name> and `message`; fields of its own in `ext` only;
// severity at most error; nobody speaks under another's name. No state.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

Check check_plugin_rights(const Event& event);

} // namespace castra::contract
