#include "proxy/folder_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace sluice::proxy {
namespace {

constexpr std::uint32_t of_interest = IN_MOVED_TO | IN_CLOSE_WRITE;

std::string failure(const std::string& folder, int why) {
  return "the folder " + folder + " cannot be watched: " + std::strerror(why);
}

}  // namespace

FolderWatch::FolderWatch(boost::asio::io_context& io, std::function<void()> on_change)
    : events_(io), on_change_(std::move(on_change)) {}

std::string FolderWatch::start(const std::string& folder, std::string name) {
  stop();
  const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor < 0) return failure(folder, errno);
  if (::inotify_add_watch(descriptor, folder.c_str(), of_interest | IN_ONLYDIR) < 0) {
    const int why = errno;
    ::close(descriptor);
    return failure(folder, why);
  }
  boost::system::error_code error;
  events_.assign(descriptor, error);
  if (error) {
    ::close(descriptor);
    return failure(folder, error.value());
  }
  name_ = std::move(name);
  alive_ = std::make_shared<const char>();
  wait();
  return {};
}

void FolderWatch::stop() {
  alive_.reset();
  boost::system::error_code ignored;
  if (events_.is_open()) events_.close(ignored);
}

void FolderWatch::wait() {
  events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
                       if (error || alive.expired()) return;
                       if (take_events()) on_change_();
                       if (!alive.expired()) wait();
                     });
}

/// Takes all events that wait; whether one was about the file, or some were lost.
bool FolderWatch::take_events() {
  bool is_changed = false;
  alignas(inotify_event) std::array<char, 4096> block{};
  for (;;) {
    const ssize_t size = ::read(events_.native_handle(), block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return is_changed;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, block.data() + at, sizeof event);
      const std::string_view name =
          event.len == 0 ? std::string_view() : block.data() + at + sizeof event;
      if (name == name_ || (event.mask & IN_Q_OVERFLOW) != 0) is_changed = true;
      at += sizeof event + event.len;
    }
  }
}

}  // namespace sluice::proxy
