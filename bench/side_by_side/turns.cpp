// Preloaded into a program, tells of each long turn of an event loop: the time from an epoll_wait
// that returned to the next one of that thread, during which nobody else is served there. One line
// each to the file that TURNS_FILE names: the end in ns of the monotonic clock, thread name, ns
// that passed, ns of CPU that the thread itself used.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/epoll.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

constexpr long long shortest_ns = 200'000;

using EpollWait = int (*)(int, epoll_event*, int, int);

long long ns_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

struct Turn {
  long long begin = 0;
  long long cpu = 0;
};

std::FILE* file() {
  static std::FILE* const opened = [] {
    const char* name = std::getenv("TURNS_FILE");
    std::FILE* made = name != nullptr ? std::fopen(name, "ae") : nullptr;
    if (made != nullptr) std::setvbuf(made, nullptr, _IOLBF, 0);
    return made;
  }();
  return opened;
}

void tell(const Turn& turn) {
  const long long now = ns_of(CLOCK_MONOTONIC);
  if (now - turn.begin < shortest_ns || file() == nullptr) return;
  const long long cpu = ns_of(CLOCK_THREAD_CPUTIME_ID) - turn.cpu;
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  std::fprintf(file(), "%lld %s %lld %lld\n", now, name.data(), now - turn.begin, cpu);
}

}  // namespace

extern "C" int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  static const auto real = reinterpret_cast<EpollWait>(dlsym(RTLD_NEXT, "epoll_wait"));
  thread_local Turn turn;
  if (turn.begin != 0) tell(turn);
  const int found = real(epoll, events, most, timeout);
  turn = {ns_of(CLOCK_MONOTONIC), ns_of(CLOCK_THREAD_CPUTIME_ID)};
  return found;
}
