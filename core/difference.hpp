#pragma once

#include <string>
#include <vector>

#include "sluice/reload.hpp"

namespace sluice::core {

/// What `after` changes in `before`, key by key: sections first, then listeners, pools and routes
/// in the order of `after`, removed ones behind. Empty exactly when both are equal. A route's
/// deadline that only follows [timeouts] is not said once more. Long lists are cut, with their
/// number. Pure.
std::vector<SettingsChange> difference(const Settings& before, const Settings& after);

/// "route shop changed: split: ...; sticky: ...", "pool shop-v2 added".
std::string in_words(const SettingsChange& change);
std::vector<std::string> in_words(const std::vector<SettingsChange>& changes);

}  // namespace sluice::core
