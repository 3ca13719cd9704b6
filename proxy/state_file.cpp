#include "proxy/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "proxy/state_json.hpp"

namespace sluice::proxy {
namespace {

std::string failed_to(const char* what, const std::string& path) {
  return std::string("cannot ") + what + " " + path + ": " + std::strerror(errno);
}

/// Closes its descriptor.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  bool is_open() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

bool write_all(int descriptor, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t size = ::write(descriptor, text.data() + written, text.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    written += static_cast<std::size_t>(size);
  }
  return true;
}

}  // namespace

StateFile::StateFile(std::string folder)
    : folder_(std::move(folder)), path_(folder_.empty() ? "" : folder_ + "/state.json") {}

void StateFile::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  if (writer_.joinable()) writer_.join();
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
}

std::string StateFile::prepare() {
  if (!is_kept()) return {};
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  const std::string probe = folder_ + "/.writable";
  const File file(::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open()) {
    return "the state folder " + folder_ + " cannot be written: " + std::strerror(errno) +
           "; give this user the right to write there, name another server.state_dir, or set it "
           "to \"\" to keep nothing";
  }
  ::unlink(probe.c_str());
  lock_folder();
  if (held_by_.empty()) writer_ = std::thread([this] { run(); });
  return {};
}

/// One process decides for a folder: the one that has locked this file. The kernel lets go of it
/// when the process ends, however it does.
void StateFile::lock_folder() {
  const std::string path = folder_ + "/lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return;
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) {
    const std::string holder = "process " + std::to_string(::getpid()) + "\n";
    held_by_.clear();
    if (::ftruncate(lock_, 0) != 0 || !write_all(lock_, holder)) held_by_.clear();
    return;
  }
  std::array<char, 64> text{};
  const ssize_t size = ::read(lock_, text.data(), text.size());
  held_by_ =
      size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "another process";
  while (!held_by_.empty() && held_by_.back() == '\n') held_by_.pop_back();
  ::close(std::exchange(lock_, -1));
}

bool StateFile::retry_lock() {
  lock_folder();
  if (!held_by_.empty()) return false;
  writer_ = std::thread([this] { run(); });
  return true;
}

core::Result<core::Overrides, std::string> StateFile::load() const {
  if (!is_kept()) return core::Overrides{};
  std::ifstream file(path_, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return core::Overrides{};
    return failed_to("read", path_);
  }
  std::ostringstream text;
  text << file.rdbuf();
  return read_state_text(text.str());
}

std::string StateFile::set_aside() const {
  const std::string aside = path_ + ".unusable";
  return ::rename(path_.c_str(), aside.c_str()) == 0 ? aside : std::string();
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
    lock.unlock();
    const std::string problem = write(text);
    for (const Done& done : served) done(problem);
    lock.lock();
  }
}

std::string StateFile::write(const std::string& text) const {
  const std::string fresh = path_ + ".new";
  {
    const File file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.is_open()) return failed_to("make", fresh);
    if (!write_all(file.get(), text)) return failed_to("write", fresh);
    if (::fsync(file.get()) != 0) return failed_to("sync", fresh);
  }
  if (::rename(fresh.c_str(), path_.c_str()) != 0) return failed_to("rename", fresh);
  const File folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::fsync(folder.get()) != 0) return failed_to("sync", folder_);
  return {};
}

}  // namespace sluice::proxy
