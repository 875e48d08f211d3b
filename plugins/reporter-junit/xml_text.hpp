// SPDX-License-Identifier: Apache-2.0
// Text for XML 1.0: escaped, and what XML cannot hold at all (control characters, bytes that are no UTF-8, U+FFFE) is
// U+FFFD. Fits between tags and between double quotes. Pure.
#pragma once
#include <string>
#include <string_view>

namespace castra::junit {

std::string xml_text(std::string_view text);
// ` name="value"`
std::string xml_attribute(std::string_view name, std::string_view value);

} // namespace castra::junit
