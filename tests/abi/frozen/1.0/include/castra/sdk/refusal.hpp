// SPDX-License-Identifier: Apache-2.0
// Refusal: what an author throws when something expected went wrong. The glue turns it into the error JSON of the
// border
// ({code, title, detail, field_path, hint}) and the answer CASTRA_FAILED; it never crosses the border itself.
//   throw Refusal({.code = "no_kernel", .title = "vm web-0 has no kernel", .hint = "set boot.kernel"});
#pragma once
#include "castra/sdk/json.hpp"

#include <exception>
#include <string>
#include <utility>

namespace castra::sdk {

struct RefusalText {
    std::string code;       // for programs: lower_case words joined by _
    std::string title;      // for people: what failed, one line
    std::string detail;     // why, as exactly as known; may be empty
    std::string field_path; // which field of the request or config is at fault ("/port"); empty: none
    std::string hint;       // the usual cure; may be empty
};
CASTRA_SDK_JSON(RefusalText, code, title, detail, field_path, hint)

class Refusal : public std::exception {
public:
    explicit Refusal(RefusalText text) : text_(std::move(text)) {}
    const RefusalText& text() const noexcept { return text_; }
    const char* what() const noexcept override { return text_.title.c_str(); }

private:
    RefusalText text_;
};

} // namespace castra::sdk
