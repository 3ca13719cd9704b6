#include "proxy/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include "proxy/deadline.hpp"

namespace sluice::proxy {
namespace {

/// Few enough that a turn under full load stays short: what is posted waits for its end.
constexpr int events_per_turn = 64;

/// What waits to be registered waits for at least so many turns, and for less than twice as many.
constexpr std::uint64_t turns_unregistered = 16;
/// How long a turn waits at most while something waits to be registered.
constexpr std::chrono::milliseconds longest_unregistered{1};
/// Of each age: others wait for the turn.
constexpr std::size_t registrations_per_turn = 256;

/// Events of one group, at most: the first of them waits for the last.
constexpr std::size_t events_per_group = 32;
/// A group ends with the event, or the batch, that brings it to so many octets.
constexpr std::size_t octets_per_group = 64 * 1024;
/// What a batch of receives brings is known when it is over, so it ends with the one whose room
/// makes it so many octets with those that the group has.
constexpr std::size_t room_per_group = 128 * 1024;

/// nullptr: what was posted.
Polled* polled_of(const epoll_event& event) {
  return static_cast<Polled*>(event.data.ptr);
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Reactor::Reactor()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_ < 0 || event_ < 0) fail("cannot make an event loop");
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLET;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &wanted) != 0) fail("cannot make an event loop");
}

Reactor::~Reactor() {
  for (Polled* polled : retired_) delete polled;
  ::close(event_);
  ::close(epoll_);
}

bool Reactor::add(int descriptor, Polled& polled, std::uint32_t events) {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.ptr = &polled;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &wanted) == 0;
}

bool Reactor::modify(int descriptor, Polled& polled, std::uint32_t events) {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.ptr = &polled;
  return ::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &wanted) == 0;
}

void Reactor::remove(int descriptor) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
}

bool Reactor::add_later(Polled& polled) {
  if (is_hosted_) return false;
  std::vector<Polled*>& list = unregistered(Age::recent);
  list.push_back(&polled);
  polled.place_ = static_cast<std::uint32_t>(list.size() - 1);
  polled.age_ = Age::recent;
  return true;
}

void Reactor::drop_later(Polled& polled) {
  if (polled.age_ == Age::none) return;
  std::vector<Polled*>& list = unregistered(std::exchange(polled.age_, Age::none));
  list.back()->place_ = polled.place_;
  list[polled.place_] = list.back();
  list.pop_back();
}

bool Reactor::has_unregistered() const {
  return std::ranges::any_of(unregistered_, [](const auto& list) { return !list.empty(); });
}

/// Registers those that have waited for it long enough, or all when nothing else is to be done; if
/// they are many, over several turns. Returns how many.
std::size_t Reactor::add_those_due(bool is_quiet) {
  if (!is_quiet && turns_ - recent_since_ < turns_unregistered) return 0;
  std::size_t count = add_some();
  if (!unregistered(Age::less_recent).empty()) return count;
  unregistered(Age::less_recent).swap(unregistered(Age::recent));
  for (Polled* polled : unregistered(Age::less_recent)) polled->age_ = Age::less_recent;
  recent_since_ = turns_;
  if (is_quiet) count += add_some();
  return count;
}

std::size_t Reactor::add_some() {
  std::vector<Polled*>& list = unregistered(Age::less_recent);
  std::size_t count = 0;
  for (; !list.empty() && count < registrations_per_turn; ++count) {
    Polled& polled = *list.back();
    drop_later(polled);
    polled.add_now();
  }
  return count;
}

void Reactor::defer(Polled& polled) {
  if (std::exchange(polled.is_deferred_, true)) return;
  deferred_.push_back(&polled);
  if (is_hosted_ && !is_in_turn_) wake();
}

void Reactor::retire(Polled* polled) {
  retired_.push_back(polled);
}

void Reactor::post(std::function<void()> job) {
  post_in_parts([job = std::move(job)] {
    job();
    return true;
  });
}

void Reactor::post_in_parts(std::function<bool()> part) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(part));
  }
  wake();
}

void Reactor::wake() {
  if (is_awake_.exchange(true)) return;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_, &one, sizeof(one)));
}

std::size_t Reactor::turn(std::chrono::milliseconds timeout) {
  std::array<epoll_event, events_per_turn> events;
  const bool has_deferred = !deferred_.empty();
  const bool registers = has_unregistered();
  if (has_deferred) {
    timeout = std::chrono::milliseconds(0);
  } else if (registers && (timeout.count() < 0 || timeout > longest_unregistered)) {
    timeout = longest_unregistered;
  }
  const int waited =
      ::epoll_wait(epoll_, events.data(), events_per_turn, static_cast<int>(timeout.count()));
  const auto found = static_cast<std::size_t>(std::max(waited, 0));
  ++turns_;
  if (waited >= 0 && waited < events_per_turn) ++looks_;
  is_in_turn_ = true;
  const std::size_t added = registers ? add_those_due(found == 0 && !has_deferred) : 0;
  bool has_posted = false;
  for (std::size_t index = 0; index < found; ++index) {
    if (Polled* polled = polled_of(events[index])) {
      polled->note(events[index].events);
    } else {
      has_posted = true;
    }
  }
  if (has_posted) run_posted();
  std::span<const epoll_event> left = std::span(events).first(found);
  while (!left.empty()) left = left.subspan(run_group(left));
  const std::size_t deferred = run_deferred();
  is_in_turn_ = false;
  // A host waits for the descriptor and does not know what is left for the next turn.
  if (is_hosted_ && !deferred_.empty()) wake();
  return deferred + added + found;
}

/// Works off the first of `events`, and returns how many.
std::size_t Reactor::run_group(std::span<const epoll_event> events) {
  events = events.first(std::min(events.size(), events_per_group));
  const std::size_t size = batch_ ? receive_in_batches(events) : receive_for(events);
  gathers_ = true;
  std::size_t acted = 0;
  // One that accepts may bring many that write.
  while (acted < size && gathered_.size() < events_per_group) {
    if (Polled* polled = polled_of(events[acted++])) polled->act();
  }
  gathers_ = false;
  send_gathered();
  return acted;
}

/// Returns for how many of `events`.
std::size_t Reactor::receive_for(std::span<const epoll_event> events) {
  std::size_t size = 0;
  std::size_t octets = 0;
  while (size < events.size() && octets < octets_per_group) {
    if (Polled* polled = polled_of(events[size++])) octets += polled->receive();
  }
  return size;
}

std::size_t Reactor::receive_in_batches(std::span<const epoll_event> events) {
  std::size_t size = 0;
  std::size_t octets = 0;
  while (size < events.size() && octets < octets_per_group) {
    size += receive_batch(events.subspan(size), octets);
  }
  return size;
}

std::size_t Reactor::receive_batch(std::span<const epoll_event> events, std::size_t& octets) {
  std::array<Polled*, SocketBatch::capacity> members;
  std::size_t size = 0;
  std::size_t room = 0;
  while (size < events.size() && octets < octets_per_group && octets + room < room_per_group &&
         !batch_->is_full()) {
    Polled* polled = polled_of(events[size++]);
    if (polled == nullptr) continue;
    const std::size_t place = batch_->size();
    const std::size_t expected = polled->receive(*batch_);
    if (batch_->size() == place) {
      octets += expected;
    } else {
      room += expected;
      members[place] = polled;
    }
  }
  std::size_t place = 0;
  for (const std::int32_t result : batch_->run()) octets += members[place++]->received(result);
  return size;
}

void Reactor::send_gathered() {
  if (batch_) {
    send_in_batches();
  } else {
    for (Polled*& polled : gathered_) {
      if (!polled->send()) polled = nullptr;
    }
  }
  for (Polled* polled : gathered_) {
    if (polled != nullptr) polled->act();
  }
  gathered_.clear();
}

void Reactor::send_in_batches() {
  std::span<Polled*> left = gathered_;
  while (!left.empty()) left = left.subspan(send_batch(left));
}

std::size_t Reactor::send_batch(std::span<Polled*> gathered) {
  std::array<Polled**, SocketBatch::capacity> members;
  std::size_t size = 0;
  while (size < gathered.size() && !batch_->is_full()) {
    Polled*& polled = gathered[size++];
    members[batch_->size()] = &polled;
    if (!polled->send(*batch_)) polled = nullptr;
  }
  std::size_t place = 0;
  for (const std::int32_t result : batch_->run()) {
    Polled*& polled = *members[place++];
    if (!polled->sent(result)) polled = nullptr;
  }
  return size;
}

void Reactor::run_posted() {
  std::uint64_t count = 0;
  static_cast<void>(!::read(event_, &count, sizeof(count)));
  // Before the jobs are taken: one that is posted from now on wakes again.
  is_awake_.store(false);
  {
    const std::lock_guard lock(mutex_);
    std::move(posted_.begin(), posted_.end(), std::back_inserter(jobs_));
    posted_.clear();
  }
  const TimePoint until = Clock::now() + longest_part;
  while (!jobs_.empty()) {
    const bool is_over = jobs_.front()();
    if (is_over) jobs_.pop_front();
    if (!is_over || Clock::now() >= until) break;
  }
  if (!jobs_.empty()) wake();
}

/// What is retired by now is deferred, if at all, in this round: behind it, nothing knows it.
std::size_t Reactor::run_deferred() {
  retiring_.swap(retired_);
  running_.swap(deferred_);
  for (Polled* polled : running_) {
    polled->is_deferred_ = false;
    polled->act();
  }
  const std::size_t count = running_.size();
  running_.clear();
  for (Polled* polled : retiring_) delete polled;
  retiring_.clear();
  return count;
}

}  // namespace sluice::proxy
