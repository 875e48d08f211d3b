// SPDX-License-Identifier: Apache-2.0
// That castra made a VM's overlay which lies outside of its own directories ([[vms]] overlay): written down durably
// before the file is made, in <vm>/overlay.json, and again with the file's inode when it is there. Whoever removes such
// an overlay asks here, not the record: a record that was damaged or changed must not name somebody else's file.
#pragma once
#include "base/result.hpp"
#include "state/layout.hpp"

namespace castra {

// Requires: nothing is at `overlay`. Errors: io; then it must not be made.
Result<> promise_overlay(const Layout& layout, const std::string& vm, const std::string& overlay);
// The file is there: from now on that inode is meant. Errors: io.
Result<> confirm_overlay(const Layout& layout, const std::string& vm, const std::string& overlay);
// True of the VM's own <vm>/overlay.qcow2, and of what was promised and is still that regular file. Errors: io, it
// cannot be told now; then it must stay, and so must what tells of it.
Result<bool> is_our_overlay(const Layout& layout, const std::string& vm, const std::string& overlay);
// What was promised for this VM and is still there; empty: nothing. Errors: io.
Result<std::string> noted_overlay(const Layout& layout, const std::string& vm);
std::filesystem::path overlay_note(const Layout& layout, const std::string& vm);

} // namespace castra
