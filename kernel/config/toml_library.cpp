// SPDX-License-Identifier: Apache-2.0
// toml++, compiled once: as a shared library it would bring the shared C++ library with it (docs/decisions/0022).
#define TOML_IMPLEMENTATION
#include <toml++/toml.h>
