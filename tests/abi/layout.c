/* SPDX-License-Identifier: Apache-2.0
 * The layout of the border as a C11 compiler sees it. layout_test.cpp has the same numbers for C++. A line that fails
 * here is an ABI break: it needs a new major, or a new interface id. */
#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/entry.h"
#include "castra/abi/host.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"

#include <assert.h>
#include <stddef.h>

#include "layout.inc"
