// SPDX-License-Identifier: Apache-2.0
// SHA-256 as it grows; hex() once, at the end. OpenSSL's low-level functions on purpose: its EVP layer loads providers,
// a configuration file and name tables first, 3 ms in every process, and all that is wanted here is one digest.
// Whoever includes this links OpenSSL::Crypto.
#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <string>
#include <string_view>

namespace castra {

class Sha256 {
public:
    Sha256() { SHA256_Init(&context_); }
    void add(const void* data, std::size_t size) { SHA256_Update(&context_, data, size); }
    std::string hex() {
        unsigned char bytes[SHA256_DIGEST_LENGTH];
        SHA256_Final(bytes, &context_);
        constexpr std::string_view digits = "0123456789abcdef";
        std::string text;
        for (const auto byte : bytes) {
            text += digits[byte >> 4U];
            text += digits[byte & 15U];
        }
        return text;
    }

private:
    SHA256_CTX context_;
};

} // namespace castra
