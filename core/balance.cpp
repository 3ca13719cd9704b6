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
  refresh();
}

void Balancer::refresh() {
  const std::vector<Member> before = std::exchange(eligible_, {});
  for (const Member& member : members_) {
    if (member.backend->admits()) eligible_.push_back(member);
  }
  sum_up();
  const bool is_same =
      std::ranges::equal(eligible_, before, {}, &Member::backend, &Member::backend);
  if (balance_ == Balance::round_robin && !is_same) restart_rotation();
}

void Balancer::sum_up() {
  cumulative_.clear();
  const auto differs = [this](const Member& one) { return one.weight != eligible_.front().weight; };
  if (std::ranges::none_of(eligible_, differs)) return;
  std::uint64_t total = 0;
  for (const Member& member : eligible_) cumulative_.push_back(total += member.weight);
}

void Balancer::restart_rotation() {
  const auto last = std::ranges::find(members_, last_, &Member::backend);
  const auto admitted = [](const Member& member) { return member.backend->admits(); };
  const auto before =
      last == members_.end() ? 0 : std::count_if(members_.begin(), last + 1, admitted);
  std::vector<Member> entries = eligible_;
  std::rotate(entries.begin(), entries.begin() + before, entries.end());
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
  const Member& a = eligible_[*first];
  if (!second) return a.backend;
  const Member& b = eligible_[*second];
  return is_busier(a, b) ? b.backend : a.backend;
}

/// The place in eligible_ that `random` falls on by weight, among all but `besides`.
std::optional<std::size_t> Balancer::draw(std::uint64_t random,
                                          std::optional<std::size_t> besides) const {
  if (eligible_.size() < (besides ? 2U : 1U)) return std::nullopt;
  if (cumulative_.empty()) {
    const std::size_t place = scaled(random, eligible_.size() - (besides ? 1U : 0U));
    return besides && place >= *besides ? place + 1 : place;
  }
  const std::uint64_t total = cumulative_.back();
  std::uint64_t point = 0;
  if (besides) {
    const std::uint64_t weight = eligible_[*besides].weight;
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
    return place != besides && !contains(tried, eligible_[place].backend);
  };
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < eligible_.size(); ++i) {
    if (is_left(i)) total += eligible_[i].weight;
  }
  std::uint64_t point = scaled(random, total);
  for (std::size_t i = 0; i < eligible_.size(); ++i) {
    if (!is_left(i)) continue;
    const std::uint64_t weight = eligible_[i].weight;
    if (point < weight) return i;
    point -= weight;
  }
  return std::nullopt;
}

}  // namespace sluice::core
