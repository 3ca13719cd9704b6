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
#include "proxy/thread_name.hpp"

namespace sluice::proxy {
namespace {

/// What the holder of a lock wrote into it.
std::string first_line(int descriptor) {
  std::array<char, 256> text{};
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  const std::string all(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  const std::string line = all.substr(0, all.find('\n'));
  return line.empty() ? "another process" : line;
}

}  // namespace

StateFile::StateFile(std::string folder)
    : folder_(std::move(folder)), path_(folder_.empty() ? "" : folder_ + "/state.json") {}

void StateFile::close() {
  stop_writer();
  // A child that was forked without exec has the descriptor, too, and would keep the lock.
  if (std::exchange(is_locked_, false)) ::flock(lock_.get(), LOCK_UN);
  lock_ = OwnedDescriptor();
}

void StateFile::start_writer() {
  closing_ = false;
  writer_ = std::thread([this] {
    name_thread("sluice-state");
    run();
  });
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
  if (trouble_.empty() && !lock_problem_.empty()) {
    trouble_ = "whether another process decides cannot be told: " + lock_problem_;
  }
  start_writer();
  return {};
}

bool StateFile::was_used_before() const {
  struct stat found {};
  return ::lstat(path_.c_str(), &found) == 0 || ::lstat(lock_path().c_str(), &found) == 0;
}

/// Whether the path leads to the file that is open: somebody may have removed it or put another in
/// its place, and a lock on what nobody finds keeps nobody off.
bool StateFile::leads_to_lock() const {
  struct stat open {};
  struct stat named {};
  return lock_.is_open() && ::fstat(lock_.get(), &open) == 0 &&
         ::stat(lock_path().c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

/// Once open, the file stays so: a process without free descriptors can take over, too.
bool StateFile::open_lock() {
  if (leads_to_lock()) return true;
  const std::string path = lock_path();
  lock_ = OwnedDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock_.is_open()) return true;
  const std::string problem = failed_to("lock", path);
  // What can only be read can be locked all the same.
  lock_ = OwnedDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock_.is_open()) lock_problem_ = problem;
  return lock_.is_open();
}

void StateFile::note_holder() {
  held_by_ = first_line(lock_.get());
  lock_problem_.clear();
}

/// One process decides for a folder: the one that has locked this file. The kernel lets go of it
/// when the process ends, however it does.
void StateFile::lock_folder() {
  while (open_lock()) {
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return note_holder();
      lock_problem_ = failed_to("lock", lock_path());
      return;
    }
    if (leads_to_lock()) {
      is_locked_ = true;
      held_by_.clear();
      lock_problem_.clear();
      return sign();
    }
    lock_ = OwnedDescriptor();
  }
}

void StateFile::look_who_holds() {
  // What is passed on must not be tried: who has it would lose it.
  if (!is_kept() || held_by_.empty() || is_passed_on_ || !open_lock()) return;
  if (::flock(lock_.get(), LOCK_SH | LOCK_NB) == 0) {
    ::flock(lock_.get(), LOCK_UN);
    held_by_ = nobody_yet;
  } else if (errno == EWOULDBLOCK) {
    note_holder();
  }
}

bool StateFile::check_lock() {
  if (!is_kept() || !held_by_.empty()) return held_by_.empty();
  const bool is_same = is_locked_ && leads_to_lock();
  // Only another holder takes it away: a kernel that cannot tell leaves it here.
  if (is_same && (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)) {
    return true;
  }
  is_locked_ = false;
  lock_ = OwnedDescriptor();
  lock_folder();
  if (held_by_.empty()) return true;
  drop_waiting();
  stop_writer();
  return false;
}

/// Another process has written since.
void StateFile::drop_waiting() {
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    next_.reset();
    waiting = std::exchange(waiting_, {});
  }
  for (const Done& done : waiting) done(not_held());
}

/// Says in the file who holds it. In one piece, for others read it at any moment.
void StateFile::sign() const {
  if (!is_locked_) return;
  const std::string line =
      "process " + std::to_string(::getpid()) + (admin_.empty() ? "" : ", admin " + admin_) + "\n";
  const bool is_written =
      ::pwrite(lock_.get(), line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
  // What a process before this one wrote would send somebody the wrong way.
  [[maybe_unused]] const int cut =
      ::ftruncate(lock_.get(), is_written ? static_cast<off_t>(line.size()) : 0);
}

void StateFile::introduce(std::string admin_address) {
  admin_ = std::move(admin_address);
  sign();
}

bool StateFile::retry_lock() {
  if (held_by_.empty()) return true;
  if (std::exchange(is_passed_on_, false)) {
    // Whoever has a copy, of a child that was forked or in a message that nobody reads.
    ::flock(lock_.get(), LOCK_UN);
    // Not locked again: this one may be somebody else's, too.
    lock_ = OwnedDescriptor();
  }
  lock_folder();
  if (!held_by_.empty()) return false;
  start_writer();
  return true;
}

void StateFile::release() {
  if (!is_kept() || !held_by_.empty()) return;
  stop_writer();
  // The descriptor stays, to be locked again.
  if (std::exchange(is_locked_, false)) ::flock(lock_.get(), LOCK_UN);
  held_by_ = nobody_yet;
}

OwnedDescriptor StateFile::pass_on() {
  if (!is_kept() || !held_by_.empty()) return {};
  stop_writer();
  held_by_ = nobody_yet;
  if (!std::exchange(is_locked_, false)) return {};
  OwnedDescriptor copy(::fcntl(lock_.get(), F_DUPFD_CLOEXEC, 0));
  is_passed_on_ = copy.is_open();
  if (!is_passed_on_) ::flock(lock_.get(), LOCK_UN);
  return copy;
}

void StateFile::forget_passed() {
  // Not unlocked: that would count for whoever has it, too.
  if (std::exchange(is_passed_on_, false)) lock_ = OwnedDescriptor();
}

bool StateFile::adopt_lock(OwnedDescriptor lock) {
  if (!is_kept() || is_locked_ || !lock.is_open()) return false;
  std::swap(lock, lock_);
  if (!leads_to_lock() || ::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    std::swap(lock, lock_);
    return false;
  }
  is_locked_ = true;
  held_by_.clear();
  lock_problem_.clear();
  sign();
  if (!writer_.joinable()) start_writer();
  return true;
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

bool StateFile::is_gone() const {
  struct stat found {};
  return was_there_ && ::stat(path_.c_str(), &found) != 0 && errno == ENOENT && !is_writing_;
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
  if (!file.is_open() && errno == ENOENT) {
    if (was_there_) return path_ + " is gone";
    return core::Overrides{};
  }
  struct stat found {};
  std::string text;
  if (!file.is_open() || ::fstat(file.get(), &found) != 0 || !read_all(file.get(), text)) {
    std::string problem = failed_to("read", path_);
    put_aside(".unusable");
    return problem;
  }
  seen_ = mark_of(found);
  was_there_ = true;
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

std::string StateFile::not_held() const {
  return "nothing is written to " + folder_ + ", which " + held_by_ + " holds";
}

void StateFile::save(std::string text, Done done) {
  if (!held_by_.empty()) return done(not_held());
  if (!writer_.joinable()) return done("");
  if (!is_locked_) {
    return done("nothing is written to " + folder_ +
                ", for another process may decide there: " + lock_problem_);
  }
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
    is_writing_ = true;
    std::string problem = move_aside(aside);
    if (problem.empty()) problem = write(text);
    if (problem.empty()) was_there_ = true;
    is_writing_ = false;
    for (const Done& done : served) done(problem);
    lock.lock();
  }
}

std::string StateFile::write(const std::string& text) const {
  return replace_file(folder_, path_, text);
}

}  // namespace sluice::proxy
