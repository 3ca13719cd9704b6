#pragma once

#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/overrides.hpp"
#include "core/result.hpp"
#include "proxy/owned_descriptor.hpp"

namespace sluice::proxy {

/// What was changed at run time, on disk: a new file, fsync, rename, fsync of the folder (pitfall
/// P17), by a thread of its own. Changes that come while one is being written go out together with
/// the next write.
///
/// Of several processes on one folder the one that has locked it writes; the others read. Who
/// cannot tell whether another one has locked it does not write. All calls but save() come from one
/// thread.
class StateFile {
 public:
  /// What held_by() says between release() and the moment somebody else is seen to hold the folder.
  static constexpr const char* nobody_yet = "nobody yet";

  /// "" as the folder: nothing is kept.
  explicit StateFile(std::string folder);
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;
  ~StateFile() { close(); }

  /// Writes what waits, calls back for it, ends the thread and lets go of the folder. Idempotent.
  void close();

  bool is_kept() const { return !folder_.empty(); }
  const std::string& folder() const { return folder_; }
  const std::string& path() const { return path_; }

  /// Who else holds the folder, in words, such as "process 123, admin 127.0.0.1:9901": then nothing
  /// is written here, and that process decides. "" when nobody else is known to, or nothing is
  /// kept.
  const std::string& held_by() const { return held_by_; }
  /// Why the lock could not even be tried the last time, a sentence without a full stop; "" else.
  const std::string& lock_problem() const { return lock_problem_; }
  /// Under which admin address other processes name this one, "" for none.
  void introduce(std::string admin_address);
  /// Whether this process has locked the folder.
  bool is_locked() const { return is_locked_; }
  /// Tries to become the one that holds the folder. True when it is now; else held_by() is up to
  /// date.
  bool retry_lock();
  /// Makes sure that this process still holds the folder: somebody may have removed the lock or the
  /// whole folder, and then another process may have made a new one; who has passed the lock on may
  /// have taken it back. False when another one holds it now;
  /// what waited to be written is not, and held_by() is up to date.
  bool check_lock();
  /// Brings held_by() up to date without trying to hold the folder.
  void look_who_holds();
  /// Writes what waits and lets go of the folder: from now on somebody else may hold it, and this
  /// one reads. retry_lock() would take it back.
  void release();

  /// As release(), but the lock goes on with the descriptor that is returned: the folder is held as
  /// long as it is open, wherever it goes, so nobody comes in between. Until forget_passed() a
  /// retry_lock() takes it back, whoever has the descriptor. None when the folder was not locked
  /// here.
  OwnedDescriptor pass_on();
  /// Somebody holds the folder by what was passed on: it is no longer taken back from here.
  void forget_passed();
  /// Holds the folder by a lock that another process has passed on. False when it is one of another
  /// file than this folder's, or it was taken back: nothing has changed then.
  bool adopt_lock(OwnedDescriptor lock);

  /// Makes the folder when missing and checks that it can be written. A sentence when this cannot
  /// be what was meant, else "". A folder that was used before and cannot be written now is a
  /// trouble() only.
  std::string prepare();
  /// What is wrong with the folder at the start, although it goes on; "" when nothing.
  const std::string& trouble() const { return trouble_; }

  /// What the file says; empty overrides when there never was one. The error is a sentence. A file
  /// that cannot be used is moved to aside() before the next write, for somebody to look at.
  core::Result<core::Overrides, std::string> load();
  /// Whether the file has been there and is no more.
  bool is_gone() const;
  /// Whether there is another file than the one that load() has seen last.
  bool has_changed() const;
  std::string aside() const;

  /// Writes `text` in place of the file. `done` gets "" or a sentence, on the file's thread; at
  /// once when nothing is kept.
  using Done = std::function<void(const std::string& problem)>;
  void save(std::string text, Done done);

 private:
  /// Which file it was, and in which state.
  struct Mark {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Mark&) const = default;
  };

  std::string lock_path() const { return folder_ + "/lock"; }
  static Mark mark_of(const struct stat& file);
  bool was_used_before() const;
  void start_writer();
  void stop_writer();
  void run();
  bool open_lock();
  bool leads_to_lock() const;
  void note_holder();
  void lock_folder();
  void sign() const;
  void drop_waiting();
  std::string not_held() const;
  std::string move_aside(const std::string& aside);
  std::string write(const std::string& text) const;

  std::string folder_;
  std::string path_;
  std::string held_by_;
  std::string admin_;
  std::string trouble_;
  std::string lock_problem_;
  std::optional<Mark> seen_;
  std::atomic<bool> was_there_{false};   ///< the file
  std::atomic<bool> is_writing_{false};  ///< it may be on its way aside
  OwnedDescriptor lock_;                 ///< open also while another process has locked it
  bool is_locked_ = false;               ///< by this process
  bool is_passed_on_ = false;            ///< and may be taken back
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> next_;
  std::string aside_;
  std::vector<Done> waiting_;
  bool closing_ = false;
  std::thread writer_;
};

}  // namespace sluice::proxy
