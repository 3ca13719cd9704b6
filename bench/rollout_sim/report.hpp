#pragma once

#include <ostream>
#include <vector>

#include "bench/rollout_sim/figures.hpp"

namespace sluice::sim {

/// The head of the table, and a line for each scenario and policy, as they become ready.
void print_head(std::ostream& out);
void print_line(std::ostream& out, const Figures& figures);
/// Everything, as one JSON array.
void write_json(std::ostream& out, const std::vector<Figures>& all);

}  // namespace sluice::sim
