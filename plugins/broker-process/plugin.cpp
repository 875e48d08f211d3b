// SPDX-License-Identifier: Apache-2.0
#include "castra/sdk/plugin.hpp"
#include "broker-process/process_broker.hpp"

CASTRA_PLUGIN(castra::broker_process::ProcessBroker);
