// SPDX-License-Identifier: Apache-2.0
// What QEMU would refuse after the start, refused before, with a cure.
#pragma once
#include "launcher-qemu/options.hpp"

namespace castra::launcher_qemu {

// Errors: sdk::Refusal naming the field.
void check_spec(const sdk::VmSpec& vm, const Options& options);
// For a plan; before it the format of an image that is still to be fetched is not known.
void check_format(const sdk::VmSpec& vm);

} // namespace castra::launcher_qemu
