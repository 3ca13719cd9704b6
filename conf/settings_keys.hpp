#pragma once

#include <string>
#include <vector>

#include "conf/reading.hpp"
#include "sluice/settings.hpp"

namespace sluice::conf {

/// Reads a whole file into `out`. What is wrong is reported; the rest is read all the same.
void read_settings(const Node& root, Settings& out, Reading& reading);

/// Every key that a file may have, as dotted paths: "server.workers", "listener[].address",
/// "pool.*.health.interval".
std::vector<std::string> known_keys();

}  // namespace sluice::conf
