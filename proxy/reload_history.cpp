#include "proxy/reload_history.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "core/text_hash.hpp"
#include "proxy/durable_file.hpp"
#include "proxy/owned_descriptor.hpp"
#include "proxy/thread_name.hpp"

namespace sluice::proxy {
namespace fs = std::filesystem;
namespace {

/// The text of a file; none when it cannot be read, and errno says why.
std::optional<std::string> text_of(const std::string& path) {
  const OwnedDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!file.is_open() || !read_all(file.get(), text)) return std::nullopt;
  return text;
}

}  // namespace

ReloadHistory::ReloadHistory(std::string folder)
    : folder_(std::move(folder)), path_(folder_.empty() ? "" : folder_ + "/history.json") {}

core::Result<ReloadRecords, std::string> ReloadHistory::load(std::vector<std::string>* lost) const {
  if (folder_.empty()) return ReloadRecords{};
  const auto records = text_of(path_);
  if (!records) {
    if (errno == ENOENT) return ReloadRecords{};
    return failed_to("read", path_);
  }
  std::string problem;
  auto loaded = read_history_text(*records, [&](const std::string& name) {
    const std::string path = folder_ + "/" + name;
    auto kept = text_of(path);
    // What cannot be read now may be there all the same.
    if (!kept && errno != ENOENT && problem.empty()) problem = failed_to("read", path);
    const bool is_whole = kept && core::text_hash(*kept) + ".toml" == name;
    if (!is_whole && lost != nullptr) lost->push_back(path);
    return is_whole ? std::move(kept) : std::nullopt;
  });
  if (!problem.empty()) return problem;
  return loaded;
}

std::string ReloadHistory::set_aside() {
  const auto newer = newer_history_format(text_of(path_).value_or(""));
  std::string aside = path_ + (newer ? ".format-" + std::to_string(*newer) : ".unusable");
  {
    const std::lock_guard lock(mutex_);
    aside_ = aside;
  }
  move_aside(aside);
  return aside;
}

/// Nothing is written over what could not be read. "" or a sentence.
std::string ReloadHistory::move_aside(const std::string& aside) {
  if (aside.empty()) return {};
  if (std::rename(path_.c_str(), aside.c_str()) != 0 && errno != ENOENT) {
    return failed_to("rename", path_);
  }
  const std::lock_guard lock(mutex_);
  aside_.clear();
  return {};
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
  const auto first = records_.end() - static_cast<std::ptrdiff_t>(kept);
  if (first == records_.begin()) return;
  const std::lock_guard lock(mutex_);
  for (auto record = records_.begin(); record != first; ++record) {
    dropped_.insert(text_file_of(**record));
  }
  records_.erase(records_.begin(), first);
}

const ReloadRecord* ReloadHistory::find(std::uint64_t number) const {
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [&](const auto& record) { return record->number == number; });
  return found == records_.end() ? nullptr : found->get();
}

void ReloadHistory::save(Done done) {
  if (folder_.empty() || closing_) return done("");
  if (const std::string problem = start_writer(); !problem.empty()) return done(problem);
  {
    const std::lock_guard lock(mutex_);
    next_ = records_;
    waiting_.push_back(std::move(done));
  }
  changed_.notify_one();
}

/// Where a process may have so many threads and no more, there may be none. "" or a sentence.
std::string ReloadHistory::start_writer() {
  if (writer_.joinable()) return {};
  try {
    writer_ = std::thread([this] {
      name_thread("sluice-history");
      run();
    });
  } catch (const std::system_error& error) {
    return "there is no thread to write " + path_ + ": " + error.code().message();
  }
  return {};
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
    const std::string aside = aside_;
    const std::set<std::string> dropped = std::exchange(dropped_, {});
    lock.unlock();
    std::string problem = move_aside(aside);
    if (problem.empty()) problem = write(records, dropped);
    for (const Done& done : served) done(problem);
    lock.lock();
  }
}

/// Texts come before what names them, and go behind it.
std::string ReloadHistory::write(const ReloadRecords& records,
                                 const std::set<std::string>& dropped) const {
  std::error_code error;
  fs::create_directories(folder_, error);
  std::string problem = write_texts(records);
  if (problem.empty()) problem = replace_file(folder_, path_, to_history_text(records));
  if (problem.empty()) remove_texts(dropped, records);
  return problem;
}

/// Those that are there are whole, for they came by a rename; their name is their content's.
std::string ReloadHistory::write_texts(const ReloadRecords& records) const {
  for (const auto& record : records) {
    const std::string name = text_file_of(*record);
    if (name.empty()) continue;
    const std::string path = folder_ + "/" + name;
    std::error_code error;
    if (fs::file_size(path, error) == record->text.size() && !error) continue;
    std::string problem = replace_file(folder_, path, record->text);
    if (problem.empty()) continue;
    // The next text has another name, so nobody would take it up again.
    fs::remove(path + ".new", error);
    return problem;
  }
  return {};
}

/// Only of records that went: a history that was moved aside goes on having its texts.
void ReloadHistory::remove_texts(const std::set<std::string>& dropped,
                                 const ReloadRecords& records) const {
  std::set<std::string> named;
  for (const auto& record : records) named.insert(text_file_of(*record));
  for (const std::string& name : dropped) {
    if (name.empty() || named.contains(name)) continue;
    // What is left over costs room and nothing else.
    std::error_code error;
    fs::remove(folder_ + "/" + name, error);
  }
}

}  // namespace sluice::proxy
