-- Why: `Prefer: respond-async` turns a restoration into a job of the kind `restore`. A picture that cannot be restored
-- has a problem document, the same as `POST /restore` answers with. It is kept so that the job shows the same words.
--
-- No table lists the stored pictures: they are files below `data.dir/jobs/ID`, and are deleted when their task ends.
ALTER TABLE task ADD COLUMN problem TEXT; -- JSON; only of failed tasks whose picture was refused
