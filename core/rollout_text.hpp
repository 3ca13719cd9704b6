#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/rollout.hpp"

/// Numbers and streams as people read them, for the sentences of a rollout.
namespace sluice::core {

/// Hundredths of a percent that are everything.
inline constexpr std::uint32_t percent_100 = 10'000;

/// 1250 is "12.5 %".
std::string percent_text(std::uint32_t hundredths);
/// "30 s", "1 h 30 min", "250 ms".
std::string duration_text(std::chrono::milliseconds duration);
/// "5230", "0.42", "1.2e+18": three digits or so.
std::string number_text(double number);
/// What a pool did to the bad requests of a stream: "failed", to stand before "3 of 58 requests".
std::string_view what_is_bad(Stream stream);

}  // namespace sluice::core
