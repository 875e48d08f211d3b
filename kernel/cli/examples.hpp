// SPDX-License-Identifier: Apache-2.0
// Examples for the help of commands that say none themselves. A test sees that every command has some.
#pragma once

namespace castra {

class Grammar;

// After all commands were added.
void add_examples(Grammar& grammar);

} // namespace castra
