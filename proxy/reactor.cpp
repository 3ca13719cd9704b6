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

/// Events of one group, at most: the first of them waits for the last.
constexpr std::size_t events_per_group = 32;
/// A group ends with the event that brings it to so many octets.
constexpr std::size_t octets_per_group = 64 * 1024;

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
  if (!deferred_.empty()) timeout = std::chrono::milliseconds(0);
  const int found =
      ::epoll_wait(epoll_, events.data(), events_per_turn, static_cast<int>(timeout.count()));
  ++turns_;
  is_in_turn_ = true;
  bool has_posted = false;
  for (int index = 0; index < found; ++index) {
    const epoll_event& event = events[static_cast<std::size_t>(index)];
    if (auto* polled = static_cast<Polled*>(event.data.ptr)) {
      polled->note(event.events);
    } else {
      has_posted = true;
    }
  }
  if (has_posted) run_posted();
  std::span<const epoll_event> left(events.data(), static_cast<std::size_t>(std::max(found, 0)));
  while (!left.empty()) left = left.subspan(run_group(left));
  const std::size_t deferred = run_deferred();
  is_in_turn_ = false;
  // A host waits for the descriptor and does not know what is left for the next turn.
  if (is_hosted_ && !deferred_.empty()) wake();
  return deferred + static_cast<std::size_t>(std::max(found, 0));
}

/// Works off the first of `events`, and returns how many.
std::size_t Reactor::run_group(std::span<const epoll_event> events) {
  std::size_t size = 0;
  std::size_t octets = 0;
  while (size < std::min(events.size(), events_per_group) && octets < octets_per_group) {
    auto* polled = static_cast<Polled*>(events[size++].data.ptr);
    if (polled != nullptr) octets += polled->receive();
  }
  gathers_ = true;
  std::size_t acted = 0;
  // One that accepts may bring many that write.
  while (acted < size && gathered_.size() < events_per_group) {
    auto* polled = static_cast<Polled*>(events[acted++].data.ptr);
    if (polled != nullptr) polled->act();
  }
  gathers_ = false;
  send_gathered();
  return acted;
}

void Reactor::send_gathered() {
  for (Polled*& polled : gathered_) {
    if (!polled->send()) polled = nullptr;
  }
  for (Polled* polled : gathered_) {
    if (polled != nullptr) polled->act();
  }
  gathered_.clear();
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
