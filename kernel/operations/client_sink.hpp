// SPDX-License-Identifier: Apache-2.0
// A client's connection as a sink of the bus: writes the lines, gives up on a client that does not read.
#pragma once
#include "base/unique_fd.hpp"
#include "bus/sink.hpp"

namespace castra {

std::unique_ptr<Sink> make_client_sink(UniqueFd socket);

} // namespace castra
