#include "proxy/reload_history.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

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

ReloadHistory::ReloadHistory(std::string folder)
    : folder_(std::move(folder)), path_(folder_.empty() ? "" : folder_ + "/history.json") {}

core::Result<ReloadRecords, std::string> ReloadHistory::load() const {
  if (folder_.empty()) return ReloadRecords{};
  std::ifstream file(path_, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return ReloadRecords{};
    return failed_to("read", path_);
  }
  std::ostringstream text;
  text << file.rdbuf();
  return read_history_text(text.str());
}

std::string ReloadHistory::set_aside() const {
  const std::string aside = path_ + ".unusable";
  return std::rename(path_.c_str(), aside.c_str()) == 0 ? aside : std::string();
}

void ReloadHistory::begin_with(ReloadRecords records) {
  records_ = std::move(records);
}

std::uint64_t ReloadHistory::add(ReloadRecord record) {
  record.number = records_.empty() ? 1 : records_.back()->number + 1;
  records_.push_back(std::make_shared<const ReloadRecord>(std::move(record)));
  forget_old();
  return records_.back()->number;
}

void ReloadHistory::forget_old() {
  std::size_t kept = 0;
  std::size_t text = 0;
  while (kept < std::min(records_.size(), most_records)) {
    text += (*(records_.rbegin() + static_cast<std::ptrdiff_t>(kept)))->text.size();
    if (kept >= 2 && text > most_text) break;
    ++kept;
  }
  records_.erase(records_.begin(), records_.end() - static_cast<std::ptrdiff_t>(kept));
}

const ReloadRecord* ReloadHistory::find(std::uint64_t number) const {
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [&](const auto& record) { return record->number == number; });
  return found == records_.end() ? nullptr : found->get();
}

void ReloadHistory::save(Done done) {
  if (folder_.empty() || closing_) return done("");
  if (!writer_.joinable()) writer_ = std::thread([this] { run(); });
  {
    const std::lock_guard lock(mutex_);
    next_ = records_;
    waiting_.push_back(std::move(done));
  }
  changed_.notify_one();
}

void ReloadHistory::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  if (writer_.joinable()) writer_.join();
}

void ReloadHistory::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || next_; });
    if (!next_) return;
    const ReloadRecords records = *std::exchange(next_, std::nullopt);
    const std::vector<Done> served = std::exchange(waiting_, {});
    lock.unlock();
    const std::string problem = write(to_history_text(records));
    for (const Done& done : served) done(problem);
    lock.lock();
  }
}

std::string ReloadHistory::write(const std::string& text) const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  const std::string fresh = path_ + ".new";
  {
    // Settings are for the owner to read.
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
