// What Swift cannot call of the system: functions of variable arguments, and what the headers show to GNU C alone.
#include <sys/prctl.h>

/// Makes processes below this one its own children when their parents end.
static inline int adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL); }

/// Has the system send this process a signal when the thread that started it ends; holds over execve(2).
static inline int end_with_parent(int number) { return prctl(PR_SET_PDEATHSIG, (unsigned long)number, 0UL, 0UL, 0UL); }

// spawn.h would make types of the system's this module's.
extern int posix_spawn_file_actions_addchdir_np(void *, const char *);

/// Has a process that is spawned with some posix_spawn_file_actions_t begin in a folder.
static inline int start_in(void *actions, const char *folder) {
  return posix_spawn_file_actions_addchdir_np(actions, folder);
}
