#include "proxy/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "proxy/durable_file.hpp"
#include "proxy/owned_descriptor.hpp"
#include "proxy/state_json.hpp"

namespace sluice::proxy {
namespace {

bool read_all(int descriptor, std::string& text) {
  std::array<char, 16 * 1024> block{};
  for (;;) {
    const ssize_t size = ::read(descriptor, block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size == 0;
    text.append(block.data(), static_cast<std::size_t>(size));
  }
}

/// What the holder of a lock wrote into it.
std::string first_line(int descriptor) {
  std::array<char, 256> text{};
  const ssize_t size = ::read(descriptor, text.data(), text.size());
  const std::string all(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  const std::string line = all.substr(0, all.find('\n'));
  return line.empty() ? "another process" : line;
}

}  // namespace

StateFile::StateFile(std::string folder)
    : folder_(std::move(folder)), path_(folder_.empty() ? "" : folder_ + "/state.json") {}

void StateFile::close() {
  stop_writer();
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
}

void StateFile::start_writer() {
  closing_ = false;
  writer_ = std::thread([this] { run(); });
}

void StateFile::stop_writer() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  if (writer_.joinable()) writer_.join();
}

std::string StateFile::prepare() {
  if (!is_kept()) return {};
  trouble_.clear();
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  const std::string probe = folder_ + "/.writable";
  const OwnedDescriptor file(::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open() || !write_all(file.get(), "\n")) {
    const int why = errno;
    trouble_ = "the state folder " + folder_ + " cannot be written: " + std::strerror(why);
    // A full disk is nobody's mistake in the settings.
    if (!was_used_before() && why != ENOSPC && why != EDQUOT) {
      return std::exchange(trouble_, {}) +
             "; give this user the right to write there, name another server.state_dir, or set it "
             "to \"\" to keep nothing";
    }
  }
  if (file.is_open()) ::unlink(probe.c_str());
  lock_folder();
  if (!held_by_.empty()) return {};
  if (lock_ < 0 && trouble_.empty()) trouble_ = failed_to("lock", folder_ + "/lock");
  start_writer();
  return {};
}

bool StateFile::was_used_before() const {
  struct stat found {};
  return ::lstat(path_.c_str(), &found) == 0 || ::lstat((folder_ + "/lock").c_str(), &found) == 0;
}

/// One process decides for a folder: the one that has locked this file. The kernel lets go of it
/// when the process ends, however it does.
void StateFile::lock_folder() {
  const std::string path = folder_ + "/lock";
  int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  // What can only be read can be locked all the same.
  if (lock < 0) lock = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return;
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) {
    lock_ = lock;
    held_by_.clear();
    return sign();
  }
  const int why = errno;
  if (why == EWOULDBLOCK) held_by_ = first_line(lock);
  ::close(lock);
  errno = why;
}

/// Says in the file who holds it. In one piece, for others read it at any moment.
void StateFile::sign() const {
  if (lock_ < 0) return;
  const std::string line =
      "process " + std::to_string(::getpid()) + (admin_.empty() ? "" : ", admin " + admin_) + "\n";
  const bool is_written =
      ::pwrite(lock_, line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
  // What a process before this one wrote would send somebody the wrong way.
  [[maybe_unused]] const int cut =
      ::ftruncate(lock_, is_written ? static_cast<off_t>(line.size()) : 0);
}

void StateFile::introduce(std::string admin_address) {
  admin_ = std::move(admin_address);
  sign();
}

bool StateFile::retry_lock() {
  if (held_by_.empty()) return true;
  lock_folder();
  if (!held_by_.empty()) return false;
  start_writer();
  return true;
}

void StateFile::release() {
  if (!is_kept() || !held_by_.empty()) return;
  close();
  held_by_ = nobody_yet;
}

StateFile::Mark StateFile::mark_of(const struct stat& file) {
  return {file.st_dev, file.st_ino, file.st_size,
          file.st_mtim.tv_sec * std::int64_t{1'000'000'000} + file.st_mtim.tv_nsec};
}

bool StateFile::has_changed() const {
  struct stat found {};
  if (!is_kept() || ::stat(path_.c_str(), &found) != 0) return false;
  return mark_of(found) != seen_;
}

core::Result<core::Overrides, std::string> StateFile::load() {
  seen_.reset();
  const auto put_aside = [this](std::string suffix) {
    const std::lock_guard lock(mutex_);
    aside_ = suffix.empty() ? std::string() : path_ + suffix;
  };
  put_aside("");
  if (!is_kept()) return core::Overrides{};
  const OwnedDescriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open() && errno == ENOENT) return core::Overrides{};
  struct stat found {};
  std::string text;
  if (!file.is_open() || ::fstat(file.get(), &found) != 0 || !read_all(file.get(), text)) {
    std::string problem = failed_to("read", path_);
    put_aside(".unusable");
    return problem;
  }
  seen_ = mark_of(found);
  auto overrides = read_state_text(text);
  if (overrides) return overrides;
  const auto newer = newer_format(text);
  put_aside(newer ? ".format-" + std::to_string(*newer) : ".unusable");
  return overrides;
}

std::string StateFile::aside() const {
  const std::lock_guard lock(mutex_);
  return aside_;
}

/// Nothing is written over what could not be read. "" or a sentence.
std::string StateFile::move_aside(const std::string& aside) {
  if (aside.empty()) return {};
  if (::rename(path_.c_str(), aside.c_str()) != 0 && errno != ENOENT) {
    return failed_to("rename", path_);
  }
  const std::lock_guard lock(mutex_);
  aside_.clear();
  return {};
}

void StateFile::save(std::string text, Done done) {
  if (!held_by_.empty()) {
    return done("nothing is written to " + folder_ + ", which " + held_by_ + " holds");
  }
  if (!writer_.joinable()) return done("");
  {
    const std::lock_guard lock(mutex_);
    next_ = std::move(text);
    waiting_.push_back(std::move(done));
  }
  changed_.notify_one();
}

void StateFile::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || next_; });
    if (!next_) return;
    const std::string text = *std::exchange(next_, std::nullopt);
    const std::vector<Done> served = std::exchange(waiting_, {});
    const std::string aside = aside_;
    lock.unlock();
    std::string problem = move_aside(aside);
    if (problem.empty()) problem = write(text);
    for (const Done& done : served) done(problem);
    lock.lock();
  }
}

std::string StateFile::write(const std::string& text) const {
  return replace_file(folder_, path_, text);
}

}  // namespace sluice::proxy
