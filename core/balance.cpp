#include "core/balance.hpp"

#include <algorithm>
#include <utility>

#include "core/draw.hpp"

namespace sluice::core {
namespace {

bool is_busier(const Rotation::Entry& a, const Rotation::Entry& b) {
  return std::uint64_t{a.backend->in_flight} * b.weight >
         std::uint64_t{b.backend->in_flight} * a.weight;
}

}  // namespace

Balancer::Balancer(Balance balance, std::vector<Member> members)
    : balance_(balance), members_(std::move(members)) {
  eligible_.reserve(members_.size());
  cumulative_.reserve(members_.size());
  refresh();
}

void Balancer::refresh() {
  const std::vector<std::uint32_t> before = std::exchange(eligible_, {});
  cumulative_.clear();
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    if (!members_[i].backend->admits()) continue;
    total += members_[i].weight;
    eligible_.push_back(i);
    cumulative_.push_back(total);
  }
  if (balance_ == Balance::round_robin && eligible_ != before) restart_rotation();
}

void Balancer::restart_rotation() {
  const auto last = std::find_if(members_.begin(), members_.end(),
                                 [this](const Member& m) { return m.backend == last_; });
  const auto behind = last == members_.end()
                          ? std::size_t{0}
                          : static_cast<std::size_t>(last - members_.begin()) + 1;
  std::vector<Member> entries;
  entries.reserve(eligible_.size());
  for (const std::uint32_t i : eligible_) entries.push_back(members_[i]);
  const auto first = std::lower_bound(eligible_.begin(), eligible_.end(), behind);
  std::rotate(entries.begin(), entries.begin() + (first - eligible_.begin()), entries.end());
  rotation_ = Rotation(entries);
}

Ticket Balancer::choose(std::uint64_t random, std::span<Backend* const> tried) {
  Backend* chosen = nullptr;
  if (balance_ == Balance::round_robin) {
    chosen = rotation_.next(tried);
    if (chosen != nullptr) last_ = chosen;
  } else {
    chosen = least_loaded(random, tried);
  }
  return chosen == nullptr ? Ticket() : Ticket(*chosen);
}

Backend* Balancer::least_loaded(std::uint64_t random, std::span<Backend* const> tried) const {
  const std::uint64_t second_random = mixed(random ^ 0x9e3779b97f4a7c15ULL);
  const auto first = tried.empty() ? draw(random, {}) : draw_untried(random, {}, tried);
  if (!first) return nullptr;
  const auto second =
      tried.empty() ? draw(second_random, first) : draw_untried(second_random, first, tried);
  const Member& a = members_[eligible_[*first]];
  if (!second) return a.backend;
  const Member& b = members_[eligible_[*second]];
  return is_busier(a, b) ? b.backend : a.backend;
}

/// The place in eligible_ that `random` falls on by weight, among all but `besides`.
std::optional<std::size_t> Balancer::draw(std::uint64_t random,
                                          std::optional<std::size_t> besides) const {
  if (eligible_.size() < (besides ? 2U : 1U)) return std::nullopt;
  const std::uint64_t total = cumulative_.back();
  std::uint64_t point = 0;
  if (besides) {
    const std::uint64_t weight = members_[eligible_[*besides]].weight;
    point = scaled(random, total - weight);
    if (point >= cumulative_[*besides] - weight) point += weight;
  } else {
    point = scaled(random, total);
  }
  const auto place = std::upper_bound(cumulative_.begin(), cumulative_.end(), point);
  return static_cast<std::size_t>(place - cumulative_.begin());
}

/// As draw(), but among those not in `tried`.
std::optional<std::size_t> Balancer::draw_untried(std::uint64_t random,
                                                  std::optional<std::size_t> besides,
                                                  std::span<Backend* const> tried) const {
  const auto is_left = [&](std::size_t place) {
    return place != besides && !contains(tried, members_[eligible_[place]].backend);
  };
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < eligible_.size(); ++i) {
    if (is_left(i)) total += members_[eligible_[i]].weight;
  }
  std::uint64_t point = scaled(random, total);
  for (std::size_t i = 0; i < eligible_.size(); ++i) {
    if (!is_left(i)) continue;
    const std::uint64_t weight = members_[eligible_[i]].weight;
    if (point < weight) return i;
    point -= weight;
  }
  return std::nullopt;
}

}  // namespace sluice::core
