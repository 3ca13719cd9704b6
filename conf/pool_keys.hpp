#pragma once

#include <string>
#include <vector>

#include "conf/reading.hpp"
#include "conf/values.hpp"
#include "sluice/settings.hpp"

namespace sluice::conf {

/// Reads one [pool.NAME].
PoolSettings read_pool(const Named& named, Reading& reading);

/// Appends the keys of a pool; `path` is that of all pools.
void list_pool_keys(const std::string& path, std::vector<std::string>& out);

}  // namespace sluice::conf
