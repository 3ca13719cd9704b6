#include "proxy/program/demo_outcome.hpp"

namespace sluice::proxy::program {

std::uint64_t DemoOutcome::old_answers_at_zero() const {
  std::uint64_t answers = 0;
  for (std::size_t i = demo_step_all_new; i < steps.size(); ++i) answers += steps[i].answers[0];
  return answers;
}

std::vector<std::string> DemoOutcome::complaints() const {
  std::vector<std::string> all;
  if (total.failures > 0)
    all.push_back(std::to_string(total.failures) + " requests failed; the first: " + first_failure);
  if (!download_failure.empty()) all.push_back("the download failed: " + download_failure);
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i].requests() == 0)
      all.push_back(std::string("no request was made at ") + demo_steps[i].title);
  if (new_answers_at_zero() > 0)
    all.push_back("shop-v2 answered " + std::to_string(new_answers_at_zero()) +
                  " requests before it had a weight");
  if (old_answers_at_zero() > 0)
    all.push_back("shop-v1 answered " + std::to_string(old_answers_at_zero()) +
                  " requests that started after its weight was 0");
  if (!drain.drained) all.emplace_back("shop-v1 was not drained");
  if (drain.cut > 0) all.push_back("the drain cut " + std::to_string(drain.cut) + " requests");
  if (old_connections > 0)
    all.push_back("shop-v1 still counts " + std::to_string(old_connections) +
                  " connections after the drain");
  for (const DemoRelease& release : releases)
    for (std::string& complaint : release.complaints()) all.push_back(std::move(complaint));
  return all;
}

}  // namespace sluice::proxy::program
