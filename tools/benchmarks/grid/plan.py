"""Which runs and seeds there are to run, and in which order."""

from pathlib import Path

from .grid_file import Grid, GridError
from .job import Job, say


def make_jobs(
    grid: Grid, work_dir: Path, repo_root: Path
) -> dict[tuple[str, int], Job]:
    """Make a job for each run and seed.

    Args:
        grid (Grid): The grid.
        work_dir (Path): Its work dir.
        repo_root (Path): The repository's folder.

    Returns:
        dict[tuple[str, int], Job]: The jobs by name of the run and seed, in order.

    Raises:
        GridError: If a config or an annotation file is missing.
    """
    return {
        (run.name, seed): Job(
            run, seed, work_dir / run.name / f'seed-{seed}', repo_root
        )
        for run in grid.runs.values()
        for seed in run.seeds
    }


def choose(
    grid: Grid,
    jobs: dict[tuple[str, int], Job],
    names: list[str] | None,
    seeds: list[int] | None,
) -> list[Job]:
    """Pick jobs. Those that would give the same result are one job.

    Args:
        grid (Grid): The grid.
        jobs (dict[tuple[str, int], Job]): All its jobs.
        names (list[str], optional): Names of runs; all if left out.
        seeds (list[int], optional): Seeds; each run's own if left out.

    Returns:
        list[Job]: The jobs, in the order of names and seeds, or else of the grid.

    Raises:
        GridError: If there are no such jobs.
    """
    unknown = set(names or ()) - grid.runs.keys()
    if unknown:
        raise GridError(
            f'--runs: {grid.path} has no {", ".join(sorted(unknown))}; it has '
            f'{", ".join(grid.runs)}.'
        )
    chosen: dict[tuple[str, int], Job] = {}
    for name in names or grid.runs:
        for seed in seeds or grid.runs[name].seeds:
            if (name, seed) in jobs:
                job = jobs[name, seed]
                first = chosen.setdefault(job.identity, job)
                if first is not job:
                    say(f'{job.name} is the same as {first.name}.')
    if not chosen:
        raise GridError(f'--seeds: no run that was chosen has seeds {seeds}.')
    return list(chosen.values())
