#pragma once

#include <cstdint>
#include <string>

#include "sluice/settings.hpp"

/// The hand-over from a running proxy to the process that replaces it.
namespace sluice {

/// How a proxy is to be replaced.
struct UpgradeOrder {
  std::string binary;             ///< the program to run; "": the one this process was started as
  milliseconds patience{30'000};  ///< then the successor has to serve; else it is killed
};

/// A hand-over that was made.
struct UpgradeStatus {
  std::int64_t pid = 0;           ///< of the successor
  std::string version;            ///< of the successor
  std::uint64_t connections = 0;  ///< of clients, that this process still serves to their end
};

/// The process that handed over to this one, until it is gone.
struct PredecessorStatus {
  std::int64_t pid = 0;
  std::string version;
  std::uint64_t connections = 0;  ///< of clients, that it still serves
};

}  // namespace sluice
