// SPDX-License-Identifier: Apache-2.0
// What QEMU would refuse after the start, refused before, with a cure.
#pragma once
#include "launcher-qemu/options.hpp"

namespace castra::launcher_qemu {

// Errors: sdk::Refusal naming the field.
void check_spec(const sdk::VmSpec& vm, const Options& options);

} // namespace castra::launcher_qemu
