// SPDX-License-Identifier: Apache-2.0
// Any bytes as a line. What is taken must come back from the encoder, and be taken again as the same.
#include "contract/decode.hpp"
#include "contract/encode.hpp"

#include <cstdlib>

using namespace castra::contract;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    (void)decode(line, ReaderMode::tolerant);
    const auto event = decode(line, ReaderMode::strict);
    if (!event) return 0;
    std::string written;
    if (encode(*event, written)) std::abort(); // the decoder took what the encoder may not write
    const auto again = decode(std::string_view(written).substr(0, written.size() - 1), ReaderMode::strict);
    if (!again) std::abort();
    std::string twice;
    if (encode(*again, twice) || twice != written) std::abort();
    return 0;
}
