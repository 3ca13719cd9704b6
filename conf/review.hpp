#pragma once

#include "conf/reading.hpp"
#include "sluice/settings.hpp"

namespace sluice::conf {

/// Reports what `sluice::validate` finds in `settings`, each problem at its place in the file. What
/// could not be read is not judged: a problem about it, or caused by its absence, is no second
/// error.
void review(const Settings& settings, Reading& reading);

}  // namespace sluice::conf
