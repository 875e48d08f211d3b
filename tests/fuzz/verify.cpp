// SPDX-License-Identifier: Apache-2.0
// Any bytes as a stream, in pieces whose size the first byte gives. How it is cut must not matter.
#include "contract/verify.hpp"

#include <cstdlib>

using namespace castra::contract;

namespace {

std::vector<Finding> judged(std::string_view stream, std::size_t piece) {
    Verifier verifier;
    for (std::size_t at = 0; at < stream.size(); at += piece)
        verifier.feed(stream.substr(at, piece));
    verifier.finish();
    return verifier.findings();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = judged(stream, stream.size());
    const auto pieces = judged(stream, std::size_t{data[0]} + 1);
    if (whole.size() != pieces.size()) std::abort();
    for (std::size_t i = 0; i < whole.size(); ++i)
        if (whole[i].line != pieces[i].line || whole[i].rule != pieces[i].rule) std::abort();
    return 0;
}
